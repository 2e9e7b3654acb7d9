// The flash of a device: what it is made of, and how it is read out and written to.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/core/units.hpp"

namespace salvage::device {

enum class StorageKind : std::uint8_t { unknown, emmc, sd, nand, nor, ufs, block_device };
[[nodiscard]] std::string_view to_string(StorageKind kind) noexcept; ///< "eMMC", "UFS", …

/// An area of a flash with addresses of its own.
struct StorageRegion {
    std::string name;   ///< as partition::Partition::region: "user", "boot1", "boot2", "rpmb", "gp1" … "lu0" …
    std::uint32_t id{}; ///< the protocol's number for it
    ByteCount size;
};

/// What SP Flash Tool's memory test shows.  Unknown is nothing or zero.
struct StorageInfo {
    StorageKind kind{StorageKind::unknown};
    std::vector<StorageRegion> regions; ///< those of a size above zero
    Bytes cid;                          ///< eMMC: 16 bytes
    std::uint64_t firmware_version{};
    ByteCount block;
    ByteCount page;
    ByteCount sram;
    ByteCount dram;

    [[nodiscard]] const StorageRegion* find(std::string_view name) const noexcept;
};

/// Something that a flash can be read out of: a download agent, a block device, a rooted shell.
/// One thread uses it at a time.
class FlashReader {
public:
    /// Takes the next bytes; they are good.  Its error ends the read and is returned.
    using Sink = std::function<Result<>(ByteOffset at, ByteView bytes)>;

    FlashReader() = default;
    FlashReader(const FlashReader&) = delete;
    FlashReader& operator=(const FlashReader&) = delete;
    virtual ~FlashReader() = default;

    [[nodiscard]] virtual const StorageInfo& storage() const noexcept = 0;
    /// Tells one device from another, for a read that goes on later: "emmc 90014A…", "block 32010928128 bytes".
    [[nodiscard]] virtual std::string identity() const = 0;

    /// Hands over `range` of `region` in order.  What the sink was given before an error is good.
    /// Errors: unreadable (the device cannot read there; it can be asked for other ranges), timed_out, disconnected
    /// (connect anew), invalid_argument (range ends beyond the region), cancelled, those of the sink.
    virtual Result<> read(const StorageRegion& region, ByteRange range, const Sink& sink,
                          const RunContext& context) = 0;

    /// Lets the device go: off, or on to Android or fastboot; nothing is read from it afterwards.  A device that has no
    /// such command is let go by closing it.  Errors: timed_out, disconnected, refused.
    enum class Goodbye : std::uint8_t { power_off, boot, fastboot };
    virtual Result<> finish(Goodbye /*goodbye*/) { return {}; }
};

/// A flash that can be written to as well.
class FlashWriter : public FlashReader {
public:
    /// Hands out the next bytes to write: fills `into`.
    using Origin = std::function<Result<>(ByteOffset at, std::span<std::byte> into)>;

    /// Writes `range` of `region`.  Errors: as read; no_space never.
    virtual Result<> write(const StorageRegion& region, ByteRange range, const Origin& origin,
                           const RunContext& context) = 0;
};

/// Finds the device, waits for it, and opens it; called again when the cable was pulled.
/// `context.stop` ends the wait.  Errors: cancelled, not_found (nobody came), timed_out and disconnected (it fell
/// silent or went away meanwhile: try again), refused (demands authentication), …
using Connect = std::function<Result<std::unique_ptr<FlashReader>>(const RunContext& context)>;

} // namespace salvage::device
