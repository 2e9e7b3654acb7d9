// The flash of a simulated phone: regions over files or memory, with bad areas, that keep what is written.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/device/flash.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::device {

/// A named range of the user area, for fastboot and for `--partition`.
struct PhonePartition {
    std::string name;
    ByteRange range;
};

/// A simulated flash.  Thread safe.
class PhoneFlash {
public:
    /// What one region is made of: `path` names a file that is written to, else `bytes` are held in memory.
    struct RegionSource {
        std::string name; ///< "user", "boot1", …
        std::filesystem::path path;
        Bytes bytes;
        bool is_read_only{false}; ///< the file is opened for reading only, and every write is refused
    };
    /// `cid` tells one simulated chip from another; empty takes that of a made-up eMMC.
    /// Errors: io, invalid_argument (no user region, a name twice or unknown).
    [[nodiscard]] static Result<std::shared_ptr<PhoneFlash>> open(std::vector<RegionSource> regions, StorageKind kind,
                                                                  Bytes cid = {});
    ~PhoneFlash();
    PhoneFlash(const PhoneFlash&) = delete;
    PhoneFlash& operator=(const PhoneFlash&) = delete;

    [[nodiscard]] const StorageInfo& info() const noexcept { return info_; }
    /// Errors: unreadable (a bad area), truncated, not_found (region).
    Result<> read(std::string_view region, ByteOffset at, std::span<std::byte> into) const;
    /// As a read of `range` would fail, without its bytes; counts as one.
    Result<> check(std::string_view region, ByteRange range) const;
    /// Errors: truncated, not_found, refused (read-only), io.
    Result<> write(std::string_view region, ByteOffset at, ByteView bytes);
    /// Marks an area of a region bad: reading fails `failures` times there, for good when that is 0.
    void add_bad_area(std::string_view region, ByteRange range, unsigned failures = 0);
    /// Every range that was written, in order, for tests: "never a write outside the plan".
    [[nodiscard]] std::vector<std::pair<std::string, ByteRange>> writes() const;

private:
    struct Backing;
    struct BadArea;
    PhoneFlash();
    Result<> add(RegionSource source, StorageKind kind);
    [[nodiscard]] Result<Backing*> find(std::string_view region, ByteRange range) const;
    Result<> fail_where_bad(std::string_view region, ByteRange range) const;

    StorageInfo info_;
    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<Backing>> backing_;
    mutable std::vector<BadArea> bad_;
    std::vector<std::pair<std::string, ByteRange>> writes_;
};

} // namespace salvage::device
