// Fastboot's datagrams: whatever arrives, the host neither hangs beyond its time nor is overfilled.
#include <array>
#include <cstdint>

#include "require.hpp"
#include "salvage/device/fastboot.hpp"

namespace {

using namespace salvage;
using fuzz::require;

class InputClock final : public Clock {
public:
    [[nodiscard]] std::chrono::nanoseconds now() const override { return now_; }
    [[nodiscard]] std::chrono::seconds wall_time() const override { return {}; }
    void pass(std::chrono::nanoseconds time) { now_ += time; }

private:
    std::chrono::nanoseconds now_{};
};

/// Datagrams cut out of the input: a byte of length (its top bit: the header is that of the host's last packet, so that
/// the input gets past the numbers), and so many bytes.  Then silence.
class InputPort final : public device::DatagramPort {
public:
    InputPort(ByteView input, InputClock& clock) : input_{input}, clock_{&clock} {}
    Result<> send(ByteView datagram) override
    {
        require(datagram.size() >= last_.size() && datagram.size() <= 8192);
        std::copy_n(datagram.begin(), last_.size(), last_.begin());
        return {};
    }
    Result<std::size_t> receive(std::span<std::byte> into, device::Timeout timeout) override
    {
        if (input_.empty()) {
            clock_->pass(timeout);
            return Error{ErrorCode::timed_out, "nothing came", {}, std::nullopt, {}, {}};
        }
        const auto length = std::to_integer<std::size_t>(input_.front());
        const auto body = input_.subspan(1, std::min(length & 0x7FU, input_.size() - 1));
        input_ = input_.subspan(1 + body.size());
        Bytes datagram;
        if ((length & 0x80U) != 0) {
            datagram.assign(last_.begin(), last_.end());
        }
        datagram.insert(datagram.end(), body.begin(), body.end());
        const auto count = std::min(datagram.size(), into.size());
        std::copy_n(datagram.begin(), count, into.begin());
        return count;
    }
    [[nodiscard]] std::string name() const override { return "udp:input"; }

private:
    ByteView input_;
    InputClock* clock_;
    std::array<std::byte, 4> last_{};
};

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    InputClock clock;
    auto port = std::make_unique<InputPort>(std::as_bytes(std::span{data, size}), clock);
    auto link = device::connect_fastboot_datagrams(std::move(port), clock);
    require(clock.now() <= std::chrono::seconds{11});
    if (!link.has_value()) {
        require(!link.error().what.empty());
        return 0;
    }
    constexpr device::Timeout wait{1000};
    for (int i = 0; i < 4; ++i) {
        const auto before = clock.now();
        if (!(*link)->send(as_bytes("getvar:version"), wait).has_value()) {
            break;
        }
        const auto answer = (*link)->receive(wait);
        require(!answer.has_value() || answer->size() <= 256);
        require(clock.now() - before <= std::chrono::seconds{4});
    }
    return 0;
}
