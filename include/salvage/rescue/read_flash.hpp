// Reading a device's flash into files: mapped, resumable, verified.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/device/flash.hpp"

namespace salvage::rescue {

enum class Verify : bool { no, yes };
enum class ForeignMap : bool {
    refuse, ///< only a readback of our own is gone on with
    adopt,  ///< an image and a map that ddrescue left; samples of it are compared with the device first
};

struct ReadOptions {
    /// Names of regions; empty: the user area and the boot regions, whatever of them the device has.
    std::vector<std::string> regions;
    bool all_regions{false};
    /// Only this part of the main region.  The file keeps the region's size, so that every offset stays true; what is
    /// outside is not tried, and a later run can read it.
    std::optional<ByteRange> range;
    /// Only these partitions of the main region, by its own table (which is read too); otherwise as `range`.
    std::vector<std::string> partitions;
    /// How often each bad sector is asked for again, after all else is done.
    unsigned retries{1};
    Verify verify{Verify::no};
    ForeignMap foreign_map{ForeignMap::refuse};
    /// What a device is told when everything was read; nothing: it stays as it is, a phone with its agent running.
    std::optional<device::FlashReader::Goodbye> goodbye{device::FlashReader::Goodbye::power_off};

    ByteCount request{64ULL << 20U}; ///< asked of the device at once where all goes well
    ByteCount cluster{64ULL << 10U}; ///< set aside around a failed place, for later
    std::chrono::seconds checkpoint_every{5};
    unsigned max_reconnects{16}; ///< in a row without one byte more
    unsigned stalls_are_bad{2};  ///< so many at one place: it is taken as unreadable
};

/// One region, one file.
struct ReadRegionReport {
    std::string region;
    std::filesystem::path file;
    std::filesystem::path map;
    std::filesystem::path hashes;      ///< one SHA-256 a MiB
    ByteCount size;                    ///< of the region and of the file
    ByteCount wanted;                  ///< what was asked for of it
    ByteCount finished;                ///< of what was wanted
    ByteCount read_now;                ///< by this run
    ByteCount present;                 ///< of the whole region, by all runs
    std::vector<ByteRange> lost;       ///< wanted and unreadable: holes in the file
    std::string sha256;                ///< of the file as it is, lost bytes as zeros; hex
    ByteCount verified;                ///< read a second time and equal
    std::vector<ByteRange> unverified; ///< read once, unreadable the second time

    [[nodiscard]] bool is_whole() const noexcept { return present == size; }
};

struct ReadReport {
    std::string identity;
    device::StorageInfo storage;
    std::vector<ReadRegionReport> regions;
    std::vector<std::string> not_read;   ///< regions of the device that were not asked for: each with what it is
    std::vector<std::string> partitions; ///< as asked for
    Verify verify{Verify::no};
    unsigned reconnects{0};
    std::optional<Error> goodbye; ///< why the device could not be let go as asked for: no error of the read
    std::filesystem::path manifest;
    std::filesystem::path sums; ///< for `sha256sum -c`

    /// Bytes that were wanted and could not be read, and in how many areas.
    [[nodiscard]] ByteCount lost() const noexcept;
    [[nodiscard]] std::size_t lost_areas() const noexcept;
    [[nodiscard]] ByteCount unverified() const noexcept;
};

/// Reads the flash of a device into `out` and files beside it (docs/formats/readback.md).  Goes on where an earlier run
/// of the same device ended, however it ended; tries bad areas again where nothing else is left.
///
/// Large reads first; around what fails a cluster is set aside and a growing distance skipped; then the skipped parts,
/// the edges of the clusters, their sectors one by one, and the bad ones again.  A device that goes away or stalls is
/// connected anew.  The map never claims a byte that is not on the medium.
/// Progress: steps "read", "hash", "verify"; unit "bytes".
/// Errors: already_exists (`out` is something else, or another device's), not_found (no such region or partition),
/// mismatch (verification, with the first byte that differs), timed_out and disconnected (resumable), no_space
/// (resumable, says what is needed), cancelled, refused, io, malformed (a damaged map).
[[nodiscard]] Result<ReadReport> read_flash(const device::Connect& connect, const std::filesystem::path& out,
                                            const ReadOptions& options, const RunContext& context);

/// What the device says of itself, and nothing more.
struct StorageReport {
    std::string identity;
    device::StorageInfo storage;
    std::optional<Error> goodbye; ///< as ReadReport's
};
/// `goodbye` as that of ReadOptions.
[[nodiscard]] Result<StorageReport> read_storage_info(const device::Connect& connect,
                                                      std::optional<device::FlashReader::Goodbye> goodbye,
                                                      const RunContext& context);

} // namespace salvage::rescue
