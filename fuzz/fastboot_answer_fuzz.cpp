// What a bootloader answers: whatever it says, each call ends in a value or an error in words, within named bounds.
#include <cstdint>
#include <string>

#include "require.hpp"
#include "salvage/device/fastboot.hpp"
#include "salvage/io/sources.hpp"

namespace {

using namespace salvage;
using fuzz::require;

/// Answers cut out of the input: a length, and so many bytes.  Then the bootloader is gone.
class InputLink final : public device::FastbootLink {
public:
    InputLink(ByteView input, std::uint64_t& sent) : input_{input}, sent_{&sent} {}
    Result<> send(ByteView bytes, device::Timeout /*timeout*/) override
    {
        *sent_ += bytes.size();
        return {};
    }
    Result<std::string> receive(device::Timeout /*timeout*/) override
    {
        if (input_.empty()) {
            return Error{ErrorCode::disconnected, "the input ends", {}, std::nullopt, {}, {}};
        }
        const auto length = std::to_integer<std::size_t>(input_.front());
        const auto answer = input_.subspan(1, std::min(length, input_.size() - 1));
        input_ = input_.subspan(1 + answer.size());
        return std::string{as_text(answer)};
    }
    [[nodiscard]] std::string name() const override { return "input"; }

private:
    ByteView input_;
    std::uint64_t* sent_;
};

template <typename T>
void judge(const Result<T>& result)
{
    require(result.has_value() || (!result.error().what.empty() && !to_string(result.error()).empty()));
}

/// Each call meets the input from its beginning.
template <typename Call>
void ask(ByteView input, const Call& call)
{
    std::uint64_t sent = 0;
    device::Fastboot fastboot{std::make_unique<InputLink>(input, sent),
                              [](std::string_view line) { require(line.size() <= 252); }};
    judge(call(fastboot));
    judge(call(fastboot));
    require(sent <= 40000);
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto input = std::as_bytes(std::span{data, size});
    const RunContext context;
    ask(input, [](device::Fastboot& fastboot) { return fastboot.variable("version"); });
    ask(input, [](device::Fastboot& fastboot) { return fastboot.all_variables(); });
    ask(input, [](device::Fastboot& fastboot) {
        auto most = fastboot.max_download();
        require(!most.has_value() || (most->value > 0 && most->value <= 0xFFFFFFFF));
        return most;
    });
    ask(input, [&](device::Fastboot& fastboot) {
        return fastboot.command("oem unlock", device::Fastboot::Patience::waits_for_person, context);
    });
    const device::Fastboot::FlashPlan plan{
        .downloads = {io::make_memory(Bytes(16), "one"), io::make_memory(Bytes(16), "two")}, .is_sparse = true};
    ask(input, [&](device::Fastboot& fastboot) { return fastboot.flash("boot", plan, 0, {}, context); });
    ask(input, [](device::Fastboot& fastboot) { return fastboot.reboot("bootloader"); });
    return 0;
}
