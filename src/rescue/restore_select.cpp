// Which partitions make userdata open again, and in which order they go back.
#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "rescue/restore_draft.hpp"
#include "rescue/restore_rules.hpp"
#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

/// Partitions beside the footer that a phone with its key in the chip may look at.  Sorted by name.
struct KeyPartition {
    std::string_view name;
    std::string_view why;
};
constexpr std::array key_partitions{
    KeyPartition{"keystore", "keeps keys that this phone's chip wrapped; it belongs to the same installation"},
    KeyPartition{"metadata", "Android 9 and later keep the keys of metadata encryption in it"},
    KeyPartition{"oemkeystore", "keeps keys that this phone's chip wrapped; it belongs to the same installation"},
    KeyPartition{"sec_ro", "belongs to the same firmware as the chip's secure world; vold itself does not read it"},
    KeyPartition{"secro", "belongs to the same firmware as the chip's secure world; vold itself does not read it"},
};
static_assert(std::ranges::is_sorted(key_partitions, {}, &KeyPartition::name));

std::string known_names(const Dump& dump)
{
    std::vector<std::string> names;
    names.reserve(dump.layout.partitions.size());
    for (const auto& partition : dump.layout.partitions) {
        names.push_back(printable(partition.name));
    }
    return names.empty() ? "this dump has no partition table" : fmt::format("there are: {}", fmt::join(names, ", "));
}

bool is_named(const std::vector<std::string>& names, std::string_view partition)
{
    return std::ranges::any_of(names, [&](const auto& name) { return is_same_name(name, partition); });
}

bool is_footer_of(const RestoreFacts& facts, std::string_view partition)
{
    const auto* const found = facts.found();
    return found != nullptr && found->file.empty() && is_same_name(found->partition, partition);
}

/// Chooses from the partitions of a dump.
class Picker {
public:
    Picker(const Dump& dump, const RestoreFacts& facts, const RestoreRequest& request)
        : dump_{&dump}, facts_{&facts}, request_{&request}, userdata_{userdata_of(dump)}
    {
    }

    Result<Picked> run()
    {
        SALVAGE_TRY(check_names(request_->only));
        SALVAGE_TRY(check_names(request_->also));
        if (dump_->is_bare && userdata_) {
            consider(*userdata_);
        }
        for (const auto& partition : dump_->layout.partitions) {
            consider(partition);
        }
        // Stable by hand: the order of the flash within each group.
        std::ranges::sort(picked_.partitions, {},
                          [](const PickedPartition& one) { return std::pair{one.belongs, one.partition.start}; });
        return std::move(picked_);
    }

private:
    [[nodiscard]] Result<> check_names(const std::vector<std::string>& names) const
    {
        for (const auto& name : names) {
            const bool is_bare_userdata = dump_->is_bare && is_same_name(name, "userdata");
            if (dump_->layout.find(name) == nullptr && !is_bare_userdata) {
                return not_found(fmt::format("there is no partition '{}' in the dump", printable(name)),
                                 known_names(*dump_));
            }
            if (const auto* const rule = rule_for(name); rule != nullptr && rule->kind == WriteRule::Kind::never) {
                return Error{ErrorCode::refused,
                             fmt::format("the partition '{}' is never written", printable(name)),
                             fmt::format("{} ({})", rule->reason, rule->source),
                             std::nullopt,
                             "leave it out: userdata opens without it",
                             {}};
            }
        }
        return {};
    }

    [[nodiscard]] const WriteRule* rule_for(std::string_view name) const
    {
        const auto* const partition = dump_->layout.find(name);
        return write_rule_of(name, partition != nullptr ? partition->region : std::string{"user"});
    }

    void consider(const partition::Partition& partition)
    {
        const auto* const rule = write_rule_of(partition.name, partition.region);
        const bool is_asked_for = is_named(request_->also, partition.name);
        if (forbids(rule, AskedFor{is_asked_for})) {
            picked_.refused.push_back({.partition = partition.name,
                                       .reason = std::string{rule->reason},
                                       .source = std::string{rule->source},
                                       .can_be_asked_for = rule->kind == WriteRule::Kind::unless_asked});
            return;
        }
        auto why = reason_for(partition);
        const bool is_wanted =
            request_->only.empty() ? why.second.has_value() : is_named(request_->only, partition.name);
        if (is_wanted || is_asked_for) {
            picked_.partitions.push_back(
                {.partition = partition,
                 .belongs = why.first,
                 .why = std::move(why.second).value_or("asked for; userdata does not need it to open")});
        }
    }

    /// What a partition is to userdata; nothing: it is not needed to open it.
    [[nodiscard]] std::pair<Belongs, std::optional<std::string>> reason_for(const partition::Partition& partition) const
    {
        if (userdata_ && is_same_name(partition.name, userdata_->name)) {
            return {Belongs::userdata, userdata_reason()};
        }
        if (is_footer_of(*facts_, partition.name)) {
            return {Belongs::footer,
                    "holds the key footer that opens userdata; written last, so that a restore that stopped half-way "
                    "never pairs the right key with half of the data"};
        }
        const auto plain = plain_name(partition.name);
        const auto* const key = std::ranges::lower_bound(key_partitions, plain, {}, &KeyPartition::name);
        const bool is_key = key != key_partitions.end() && key->name == plain;
        if (!is_key) {
            return {Belongs::firmware, std::nullopt};
        }
        const bool is_metadata = plain == "metadata";
        const bool needs_metadata = facts_->outcome.verdict.code == VerdictCode::file_based_encryption;
        const bool is_needed = is_metadata ? needs_metadata : facts_->is_hardware_bound;
        return {Belongs::keys, is_needed ? std::optional{std::string{key->why}} : std::nullopt};
    }

    [[nodiscard]] std::string userdata_reason() const
    {
        if (is_footer_of(*facts_, userdata_->name)) {
            return "userdata itself, with the key footer in its last 16 KiB";
        }
        if (facts_->is_hardware_bound) {
            return "userdata itself; only this phone's chip can use its key, so it has to go back onto this very phone";
        }
        return "userdata itself";
    }

    const Dump* dump_;
    const RestoreFacts* facts_;
    const RestoreRequest* request_;
    std::optional<partition::Partition> userdata_;
    Picked picked_;
};

} // namespace

Result<RestoreFacts> learn_key(const Dump& dump, const RunContext& context)
{
    RestoreFacts out;
    auto footers = SALVAGE_TRY(find_footers_at_known_places(dump));
    // One derivation tells whether the default password opens it; a search is not what a restore waits for.
    const OpenRequest request{
        .secrets = {}, .master_key = {}, .phone_keys = {}, .try_default_password = true, .measure_cost = false};
    out.outcome = SALVAGE_TRY(open_userdata(dump, std::move(footers), request, context));
    if (out.outcome.verdict.code == VerdictCode::key_missing && !dump.is_bare) {
        auto scanned = SALVAGE_TRY(find_footers(dump, context));
        out.outcome = SALVAGE_TRY(open_userdata(dump, std::move(scanned), request, context));
    }
    const auto& found = out.outcome.footers.footers;
    const auto code = out.outcome.verdict.code;
    if (!found.empty() && code != VerdictCode::not_encrypted) {
        out.footer = out.outcome.volume && out.outcome.volume->footer ? *out.outcome.volume->footer : 0;
        const auto offline = fde::can_open_offline(found.at(*out.footer).footer).offline;
        out.is_hardware_bound = offline == fde::Offline::needs_phone || offline == fde::Offline::with_phone_keys ||
                                offline == fde::Offline::unsupported;
    }
    out.is_hardware_bound = out.is_hardware_bound || code == VerdictCode::file_based_encryption;
    return out;
}

Result<Picked> pick_partitions(const Dump& dump, const RestoreFacts& facts, const RestoreRequest& request)
{
    return Picker{dump, facts, request}.run();
}

} // namespace salvage::rescue
