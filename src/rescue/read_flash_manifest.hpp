// What a readback says of itself: the manifest, the hash lists, and the sums.  See docs/formats/readback.md.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "rescue/read_flash_file.hpp"
#include "salvage/rescue/read_flash.hpp"

namespace salvage::rescue {

/// "OUT.readback.json": whose flash this is, and what of it is in which file.  Kept over runs.
class ReadManifest {
public:
    /// What an earlier run left at `out`, or an empty one.  Errors: io, malformed (not ours).
    [[nodiscard]] static Result<ReadManifest> open(const std::filesystem::path& out);

    /// Whether an earlier run wrote it.
    [[nodiscard]] bool is_known() const noexcept { return is_known_; }
    /// Errors: already_exists, unless the manifest is new or of `identity`.
    Result<> check_identity(const std::string& identity) const;
    /// Notes whose flash this is, before the first byte is read.
    Result<> begin(const DeviceLink& link, const RunContext& context);
    /// Notes a region; the other regions stay as earlier runs noted them.
    void note(const ReadRegionReport& region);
    /// Writes the manifest, and the sums of all regions that it knows.  Errors: io, no_space.
    Result<> save(const RunContext& context);

    [[nodiscard]] std::filesystem::path path() const;
    [[nodiscard]] std::filesystem::path sums_path() const;

private:
    explicit ReadManifest(std::filesystem::path out) : out_{std::move(out)} {}

    std::filesystem::path out_;
    nlohmann::ordered_json json_;
    bool is_known_{false};
};

/// The region's file: `out` for the main region, "OUT.boot1" for others.
[[nodiscard]] std::filesystem::path region_path(const std::filesystem::path& out, std::string_view region,
                                                std::string_view main_region);

/// Writes "FILE.hashes": a line a MiB, "offset size sha256"; "-" for a MiB with lost bytes.
Result<std::filesystem::path> write_block_hashes(const std::filesystem::path& file, const io::RescueMap& map,
                                                 const FileHashes& hashes);

} // namespace salvage::rescue
