// What a restore asks of a bootloader.
#include "salvage/device/fastboot.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "conversation.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/sparse_pieces.hpp"

namespace salvage::device {
namespace {

/// Where a bootloader does not say: AOSP's fastboot sends no larger download unasked.
constexpr ByteCount assumed_max_download{512ULL << 20U};
/// As AOSP's RESPARSE_LIMIT: what old bootloaders count in 32 signed bits stays below.
constexpr ByteCount max_piece{1ULL << 30U};

Result<bool> looks_sparse(const io::ByteSource& image)
{
    const auto head = SALVAGE_TRY(io::read_up_to(image, ByteOffset{0}, ByteCount{4}));
    return io::is_sparse_image(head);
}

/// Names go into commands as they are.
Result<> check_name(std::string_view name)
{
    if (name.empty()) {
        return invalid_argument("the partition has no name");
    }
    return {};
}

/// Tells progress of a flash in bytes of all its downloads.
class FlashProgress {
public:
    FlashProgress(const Fastboot::FlashPlan& plan, std::size_t first, const RunContext& context) : context_{&context}
    {
        for (std::size_t i = 0; i < plan.downloads.size(); ++i) {
            total_ += plan.downloads[i]->size().value;
            done_ += i < first ? plan.downloads[i]->size().value : 0;
        }
    }
    void tell(std::uint64_t of_this_piece) const
    {
        context_->progress->update({.step = "flash", .unit = "bytes", .done = done_ + of_this_piece, .total = total_});
    }
    void finish(const io::ByteSource& piece) { done_ += piece.size().value; }

private:
    const RunContext* context_;
    std::uint64_t total_{0};
    std::uint64_t done_{0};
};

} // namespace

struct Fastboot::State {
    Conversation conversation;
};

Fastboot::Fastboot(std::unique_ptr<FastbootLink> link, Listener listener, FastbootWaits waits)
    : state_{std::make_unique<State>(State{Conversation{std::move(link), std::move(listener), waits}})}
{
}
Fastboot::Fastboot(Fastboot&&) noexcept = default;
Fastboot& Fastboot::operator=(Fastboot&&) noexcept = default;
Fastboot::~Fastboot() = default;

Result<std::optional<std::string>> Fastboot::variable(std::string_view name)
{
    auto value =
        state_->conversation.ask(fmt::format("getvar:{}", name), {.silence = state_->conversation.waits().answer});
    if (!value.has_value() && value.error().code == ErrorCode::refused) {
        return std::optional<std::string>{};
    }
    auto text = SALVAGE_TRY(std::move(value));
    return text.empty() ? std::optional<std::string>{} : std::optional{std::move(text)};
}

Result<std::vector<std::pair<std::string, std::string>>> Fastboot::all_variables()
{
    std::vector<std::pair<std::string, std::string>> out;
    const auto collect = [&](std::string_view line) {
        if (auto entry = split_variable(line)) {
            out.push_back(*std::move(entry));
        }
    };
    const auto end = state_->conversation.ask("getvar:all", {.silence = state_->conversation.waits().answer}, collect);
    // What some bootloaders refuse at the end, they have said before.
    if (!end.has_value() && end.error().code != ErrorCode::refused) {
        return end.error();
    }
    return out;
}

Result<ByteCount> Fastboot::max_download()
{
    const auto text = SALVAGE_TRY(variable("max-download-size"));
    if (!text) {
        return assumed_max_download;
    }
    const auto size = parse_bootloader_size(*text);
    if (!size || size->value == 0) {
        return malformed(ByteOffset{0}, "the bootloader's max-download-size is no size",
                         fmt::format("found \"{}\"", printable(*text)));
    }
    // A download's size has eight hex digits.
    return std::min(*size, ByteCount{std::numeric_limits<std::uint32_t>::max()});
}

Result<Fastboot::FlashPlan> Fastboot::plan_flash(const io::SourcePtr& image, ByteCount max_download,
                                                 const RunContext& context)
{
    if (image->size().value == 0) {
        return invalid_argument("there is nothing to flash", "the image is empty");
    }
    const auto would_be_unpacked = SALVAGE_TRY(looks_sparse(*image));
    if (image->size() <= max_download && !would_be_unpacked) {
        return FlashPlan{.downloads = {image}, .is_sparse = false};
    }
    auto pieces = SALVAGE_TRY(io::make_sparse_pieces(image, {.max_piece = std::min(max_download, max_piece)}, context));
    return FlashPlan{.downloads = std::move(pieces), .is_sparse = true};
}

Result<> Fastboot::flash(std::string_view partition, const FlashPlan& plan, std::size_t first,
                         const std::function<Result<>(std::size_t piece)>& done, const RunContext& context)
{
    SALVAGE_TRY(check_name(partition));
    auto& conversation = state_->conversation;
    const auto command = fmt::format("flash:{}", partition);
    FlashProgress progress{plan, first, context};
    for (auto i = first; i < plan.downloads.size(); ++i) {
        if (context.is_stopped()) {
            return cancelled("flashing was stopped between two pieces");
        }
        const auto step = fmt::format("flashing {}, piece {} of {}", partition, i + 1, plan.downloads.size());
        const auto& piece = *plan.downloads[i];
        SALVAGE_TRY(conversation.download(piece, [&](std::uint64_t sent) { progress.tell(sent); }).in(step));
        SALVAGE_TRY(conversation.ask(command, {.silence = state_->conversation.waits().work}).in(step));
        progress.finish(piece);
        if (done) {
            SALVAGE_TRY(done(i));
        }
    }
    return {};
}

Result<> Fastboot::erase(std::string_view partition, const RunContext& context)
{
    SALVAGE_TRY(check_name(partition));
    SALVAGE_TRY(state_->conversation.ask(fmt::format("erase:{}", partition),
                                         {.silence = state_->conversation.waits().work, .context = &context}));
    return {};
}

Result<std::string> Fastboot::command(std::string_view text, Patience patience, const RunContext& context)
{
    const auto silence = patience == Patience::waits_for_person ? std::optional<Timeout>{}
                                                                : std::optional{state_->conversation.waits().work};
    return state_->conversation.ask(text, {.silence = silence, .context = &context});
}

Result<> Fastboot::reboot(std::string_view where)
{
    return state_->conversation.say_goodbye(where.empty() ? "reboot" : fmt::format("reboot-{}", where));
}

} // namespace salvage::device
