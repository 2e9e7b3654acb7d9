// Fastboot over what keeps transfers apart: one transfer is one message.
#include <array>
#include <utility>

#include <fmt/format.h>

#include "limits.hpp"
#include "salvage/device/fastboot.hpp"

namespace salvage::device {
namespace {

class TransportLink final : public FastbootLink {
public:
    explicit TransportLink(std::unique_ptr<Transport> transport) : transport_{std::move(transport)} {}

    Result<> send(ByteView bytes, Timeout timeout) override { return transport_->write(bytes, timeout); }
    Result<std::string> receive(Timeout timeout) override
    {
        // A multiple of every packet size of USB, so that no transfer overflows it.
        std::array<std::byte, 4096> buffer{};
        const auto count = SALVAGE_TRY(transport_->read_some(buffer, timeout));
        if (count > max_answer_bytes) {
            return malformed(ByteOffset{0}, "the phone's answer is too long",
                             fmt::format("found {} bytes, expected {} at most", count, max_answer_bytes));
        }
        return std::string{as_text(ByteView{buffer}.first(count))};
    }
    [[nodiscard]] std::string name() const override { return transport_->name(); }

private:
    std::unique_ptr<Transport> transport_;
};

} // namespace

std::unique_ptr<FastbootLink> make_fastboot_link(std::unique_ptr<Transport> transport)
{
    return std::make_unique<TransportLink>(std::move(transport));
}

} // namespace salvage::device
