// A device that goes away and comes back: reads from it, and who it is.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "salvage/core/run_context.hpp"
#include "salvage/device/flash.hpp"

namespace salvage::rescue {

/// How a read ended that was not given up for good.
struct ReadEnding {
    enum class Kind : unsigned char {
        whole,
        unreadable, ///< the device says that it cannot read at `reached`
        lost,       ///< it went away, fell silent, or is out of step: connect anew
    };
    Kind kind{Kind::whole};
    ByteOffset reached; ///< what lies before came and was taken
    Error why;
};

/// Lets a device go; why it could not be.  What was read is safe by then, so that is no error.
[[nodiscard]] std::optional<Error> say_goodbye(device::FlashReader& reader,
                                               std::optional<device::FlashReader::Goodbye> goodbye,
                                               const RunContext& context);

/// One device over many connections.  Not thread safe.
class DeviceLink {
public:
    /// `connect` and `context` outlive the link.
    DeviceLink(const device::Connect& connect, unsigned max_reconnects, const RunContext& context)
        : connect_{&connect}, context_{&context}, max_reconnects_{max_reconnects}
    {
    }

    /// The first connection; tried again where the device goes away or is out of step.  Errors: those of the connector.
    Result<> connect();
    /// Lets the device go, with a word where one is given; why it did not take that.
    /// Requires: nothing is read any more.
    [[nodiscard]] std::optional<Error> disconnect(std::optional<device::FlashReader::Goodbye> goodbye);
    [[nodiscard]] const device::StorageInfo& storage() const noexcept { return storage_; }
    [[nodiscard]] const std::string& identity() const noexcept { return identity_; }
    [[nodiscard]] unsigned reconnects() const noexcept { return reconnects_; }

    /// One request.  Only whole sectors reach the sink and count.  Requires: `range` begins at one.
    /// Errors: those of the sink, cancelled, and what no new connection mends (refused, unsupported …).
    Result<ReadEnding> read(const device::StorageRegion& region, ByteRange range, ByteCount sector,
                            const device::FlashReader::Sink& sink);

    /// Waits for the same device again.  Errors: `why` (too often without one byte in between), mismatch (another
    /// device came), those of the connector.
    Result<> reconnect(const Error& why);

private:
    Result<> check_same(const device::FlashReader& reader) const;

    const device::Connect* connect_;
    const RunContext* context_;
    unsigned max_reconnects_;
    std::unique_ptr<device::FlashReader> reader_;
    device::StorageInfo storage_;
    std::string identity_;
    unsigned reconnects_{0};
    unsigned in_a_row_{0}; ///< reconnects without a byte in between
};

} // namespace salvage::rescue
