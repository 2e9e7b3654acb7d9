// Doing what a plan says, and nothing else: everything is checked before the first write, and every piece is journaled.
#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "rescue/restore_draft.hpp"
#include "rescue/restore_journal.hpp"
#include "rescue/restore_rules.hpp"
#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

// Short enough to be read aloud, long enough that no two plans of a person share it.
constexpr std::size_t shortest_hash = 12;

constexpr std::array<std::string_view, 4> state_names{"would-write", "written", "written-before", "other-tool"};

Error differs(std::string what, std::string why)
{
    return Error{ErrorCode::mismatch,
                 std::move(what),
                 std::move(why),
                 std::nullopt,
                 "nothing was written; make the plan anew for this phone: salvage restore plan",
                 {}};
}

std::string shown(const std::optional<std::string>& text)
{
    return text ? fmt::format("'{}'", printable(*text)) : "nothing";
}
std::string shown(const std::optional<bool>& is_unlocked)
{
    return is_unlocked ? (*is_unlocked ? "unlocked" : "locked") : "nothing";
}
std::string shown(const std::optional<ByteCount>& size)
{
    return size ? format_size_exact(*size) : "nothing";
}

/// What is planned for a fact has to be so still; what was not known then may be anything.
template <typename T>
Result<> check_same(std::string_view what, const std::optional<T>& planned, const std::optional<T>& now)
{
    if (planned && planned != now) {
        return differs(fmt::format("the phone is not as the plan has it: {}", what),
                       fmt::format("planned for {}, the phone says {}", shown(planned), shown(now)));
    }
    return {};
}

std::string identity_of(const PhoneFacts& facts)
{
    return fmt::format("{}/{}", facts.product.value_or("?"), facts.serial.value_or("?"));
}

/// One application of a plan to a phone.
class Application {
public:
    Application(const RestorePlan& plan, RestoreTarget& target, const ApplyRequest& request, const RunContext& context)
        : plan_{&plan}, target_{&target}, request_{&request}, context_{&context}, hash_{hash_of(plan)}
    {
    }

    Result<ApplyReport> run()
    {
        SALVAGE_TRY(check_request());
        report_.phone = SALVAGE_TRY(target_->facts().in("asking the phone what it is"));
        SALVAGE_TRY(check_phone());
        journaled_ = SALVAGE_TRY(read_journal(request_->journal, plan_->steps.size()));
        SALVAGE_TRY(check_journal());
        SALVAGE_TRY(open_images());
        SALVAGE_TRY(outline());
        report_.hash = hash_;
        report_.journal = request_->journal.string();
        report_.is_resumed = journaled_.has_begun;
        report_.is_dry_run = request_->mode == ApplyRequest::Mode::dry_run;
        if (!report_.is_dry_run && has_work()) {
            SALVAGE_TRY(write_all());
        }
        if (const auto done = target_->finish(); !done.has_value()) {
            context_->log->write("restore.finish", to_string(done.error())); // all was accepted before
        }
        return std::move(report_);
    }

private:
    [[nodiscard]] Result<> check_request() const
    {
        const auto& given = request_->hash;
        if (given.size() < shortest_hash || !hash_.starts_with(given)) {
            return Error{ErrorCode::mismatch,
                         "the hash is not that of this plan",
                         fmt::format("the plan's begins with {}; at least {} digits are needed",
                                     hash_.substr(0, shortest_hash), shortest_hash),
                         std::nullopt,
                         "read the plan that is to be applied, and give the hash at its end: --hash",
                         {}};
        }
        if (const auto* const blocker = plan_->blocker(); blocker != nullptr) {
            return Error{ErrorCode::refused,
                         fmt::format("the plan cannot be applied as it is: {}", blocker->code),
                         blocker->text,
                         std::nullopt,
                         fmt::format("mend that and make the plan anew; or, knowing what it means: salvage restore "
                                     "plan --accept {}",
                                     blocker->code),
                         {}};
        }
        return {};
    }

    [[nodiscard]] bool is_ours(const RestoreStep& step) const noexcept { return step.tool == target_->tool(); }

    Result<> check_phone()
    {
        if (std::ranges::none_of(plan_->steps, [&](const auto& step) { return is_ours(step); })) {
            return Error{ErrorCode::invalid_argument,
                         fmt::format("the plan has no step for {}", to_string(target_->tool())),
                         {},
                         std::nullopt,
                         "give the way that the plan names, or make it anew with --tool",
                         {}};
        }
        if (target_->tool() == RestoreTool::fastboot) {
            const auto& now = report_.phone;
            if (now.is_unlocked == false) {
                return Error{ErrorCode::refused,
                             "the bootloader is locked",
                             "it says unlocked: no, and would refuse to write",
                             std::nullopt,
                             "unlocking wipes userdata: read the whole phone first, unlock, and apply the plan then",
                             {}};
            }
            SALVAGE_TRY(check_same("its product", plan_->phone.product, now.product));
            SALVAGE_TRY(check_same("its serial number", plan_->phone.serial, now.serial));
            // One that was locked when the plan was made is meant to be unlocked now; the other way round is a
            // surprise.
            if (plan_->phone.is_unlocked == true) {
                SALVAGE_TRY(check_same("its lock state", plan_->phone.is_unlocked, now.is_unlocked));
            }
            SALVAGE_TRY(check_same("what it takes at once", plan_->phone.max_download, now.max_download));
        }
        for (const auto& step : plan_->steps) {
            if (is_ours(step)) {
                SALVAGE_TRY(check_partition(step));
            }
        }
        return {};
    }

    Result<> check_partition(const RestoreStep& step)
    {
        const auto now = SALVAGE_TRY(target_->find(step.partition).in("asking the phone for " + step.partition));
        const auto name = printable(step.partition);
        if (!now) {
            // A bootloader that does not answer says nothing about the partition; a partition table does.
            return step.tool == RestoreTool::fastboot
                       ? Result<>{}
                       : Result<>{differs(fmt::format("the phone has no partition {}", name), "the plan writes to it")};
        }
        if (step.tool == RestoreTool::da_write) {
            if (now->region != step.region || now->start != step.start) {
                return differs(fmt::format("{} is elsewhere on this phone", name),
                               fmt::format("planned for {} of {}, it is at {} of {}",
                                           step.start ? format_offset(*step.start) : "nowhere", step.region,
                                           now->start ? format_offset(*now->start) : "nowhere", now->region));
            }
        }
        if (!now->size || !now->is_size_trusted) {
            return {};
        }
        SALVAGE_TRY(check_same("the size of " + name, step.phone_size, now->size));
        if (*now->size < step.image.range.size()) {
            return differs(fmt::format("{} is too small on this phone", name),
                           fmt::format("it has {}, the image {}", format_size_exact(*now->size),
                                       format_size_exact(step.image.range.size())));
        }
        return {};
    }

    [[nodiscard]] Result<> check_journal() const
    {
        if (!journaled_.has_begun) {
            return {};
        }
        if (journaled_.plan != hash_) {
            return other_journal("plan", journaled_.plan.substr(0, shortest_hash), hash_.substr(0, shortest_hash));
        }
        if (const auto phone = identity_of(report_.phone); journaled_.phone != phone) {
            return other_journal("phone", journaled_.phone, phone);
        }
        return {};
    }

    [[nodiscard]] Error other_journal(std::string_view what, std::string_view before, std::string_view now) const
    {
        return Error{
            ErrorCode::mismatch,
            fmt::format("the journal is of another {}", what),
            fmt::format("{} belongs to {}, this is {}", request_->journal.string(), printable(before), printable(now)),
            std::nullopt,
            "nothing was written; to begin anew, move the journal away",
            {}};
    }

    /// Every image is opened and hashed, also those of other tools and of steps that are done: a plan is one thing.
    Result<> open_images()
    {
        HashProgress progress{.step = "check", .done = 0, .total = plan_->bytes().value};
        for (const auto& step : plan_->steps) {
            auto image = SALVAGE_TRY(open_image(step.image).in("checking the image of " + step.partition));
            const auto hash = SALVAGE_TRY(hash_source(*image, progress, *context_));
            if (hash != step.image.sha256) {
                return differs(fmt::format("the image of {} is not what was planned", printable(step.partition)),
                               fmt::format("{}: its SHA-256 is {}, planned was {}", printable(step.image.path), hash,
                                           step.image.sha256));
            }
            images_.push_back(std::move(image));
        }
        return {};
    }

    /// What is to be done, from the plan and from what the journal says is done.
    Result<> outline()
    {
        for (std::size_t i = 0; i < plan_->steps.size(); ++i) {
            const auto& step = plan_->steps[i];
            AppliedStep out{.partition = step.partition};
            pieces_.emplace_back();
            if (!is_ours(step)) {
                out.state = AppliedStep::State::other_tool;
            } else {
                pieces_[i] =
                    SALVAGE_TRY(target_->pieces(step, images_[i]).in("cutting the image of " + step.partition));
                const auto& before = journaled_.steps[i];
                out.pieces = pieces_[i].count;
                out.first = before.pieces == pieces_[i] ? before.next : 0;
                out.state = before.is_done && before.pieces == pieces_[i] ? AppliedStep::State::written_before
                                                                          : AppliedStep::State::would_write;
            }
            report_.steps.push_back(std::move(out));
        }
        return {};
    }

    [[nodiscard]] bool has_work() const
    {
        return std::ranges::find(report_.steps, AppliedStep::State::would_write, &AppliedStep::state) !=
               report_.steps.end();
    }

    Result<> write_all()
    {
        if (!request_->confirm || !request_->confirm(*plan_, report_.phone)) {
            return Error{ErrorCode::cancelled,
                         "not confirmed: nothing was written",
                         {},
                         std::nullopt,
                         "answer yes on the terminal, or give --yes where nobody sits at one",
                         {}};
        }
        auto journal = SALVAGE_TRY(RestoreJournal::open(request_->journal, journaled_, *context_->clock));
        if (!journaled_.has_begun) {
            SALVAGE_TRY(journal.begin(hash_, identity_of(report_.phone)));
        }
        for (std::size_t i = 0; i < plan_->steps.size(); ++i) {
            if (report_.steps[i].state == AppliedStep::State::would_write) {
                SALVAGE_TRY(write_step(i, journal));
            }
        }
        return journal.end();
    }

    Result<> write_step(std::size_t index, RestoreJournal& journal)
    {
        if (context_->is_stopped()) {
            return cancelled("applying the plan");
        }
        const auto& step = plan_->steps[index];
        auto& report = report_.steps[index];
        SALVAGE_TRY(journal.begin_step(index, step.partition, pieces_[index]));
        context_->log->write("restore.step", fmt::format("writing {}", printable(step.partition)));
        auto next = report.first;
        const auto done = [&](std::size_t piece) -> Result<> {
            SALVAGE_TRY(journal.piece_done(index, piece));
            next = piece + 1;
            return {};
        };
        if (report.first < report.pieces) {
            if (auto written = target_->write(step, images_[index], report.first, done, *context_);
                !written.has_value()) {
                journal.failed(index, next, written.error());
                return std::move(written).error().in(
                    fmt::format("writing {}, piece {} of {}", printable(step.partition), next + 1, report.pieces));
            }
        }
        if (next != report.pieces) {
            return Error{ErrorCode::internal,
                         fmt::format("the phone took {} of {} pieces of {} and said that it was done", next,
                                     report.pieces, printable(step.partition)),
                         {},
                         std::nullopt,
                         "do the same again: it goes on there",
                         {}};
        }
        SALVAGE_TRY(journal.step_done(index));
        report.state = AppliedStep::State::written;
        return {};
    }

    const RestorePlan* plan_;
    RestoreTarget* target_;
    const ApplyRequest* request_;
    const RunContext* context_;
    std::string hash_;
    JournalState journaled_;
    std::vector<io::SourcePtr> images_;
    std::vector<RestoreTarget::Pieces> pieces_;
    ApplyReport report_;
};

} // namespace

std::string_view to_string(AppliedStep::State state) noexcept
{
    return state_names.at(static_cast<std::size_t>(state));
}

Result<ApplyReport> apply_restore(const RestorePlan& plan, RestoreTarget& target, const ApplyRequest& request,
                                  const RunContext& context)
{
    return Application{plan, target, request, context}.run();
}

} // namespace salvage::rescue
