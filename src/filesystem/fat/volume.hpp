// An open FAT or exFAT: directories as listings, files as byte sources.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "filesystem/ext/content.hpp"
#include "geometry.hpp"
#include "record.hpp"
#include "salvage/core/finding.hpp"
#include "salvage/io/byte_source.hpp"
#include "table.hpp"

namespace salvage::filesystem::fat {

/// The number of the root directory, as Linux has it.  A file's number is the place of its entry: byte / 32.
constexpr std::uint64_t root_number = 1;

/// Immutable after open(); every method may be called from many threads.
class Volume {
public:
    /// Requires: `geometry` came of parse_fat_boot or parse_exfat_boot.
    /// Errors: io.  A damaged root directory is no error here; listing it is one.
    [[nodiscard]] static Result<std::unique_ptr<const Volume>> open(const io::SourcePtr& source, Geometry geometry);

    [[nodiscard]] const Geometry& geometry() const noexcept { return geometry_; }
    [[nodiscard]] const io::ByteSource& source() const noexcept { return *source_; }
    [[nodiscard]] const std::string& label() const noexcept { return label_; }
    [[nodiscard]] const Record& root() const noexcept { return root_; }
    [[nodiscard]] bool is_exfat() const noexcept { return geometry_.variant == Variant::exfat; }

    /// Bytes of the volume that this dump has, and the clusters that lie in them.
    [[nodiscard]] ByteCount present() const noexcept { return present_; }
    [[nodiscard]] std::uint32_t present_clusters() const noexcept;
    /// Those of `run` that the dump has: they are its first ones.
    [[nodiscard]] std::uint32_t present_in(const ClusterRun& run) const noexcept;

    /// The file whose entry has this number.  Of FAT its name is the short one.
    /// Errors: not_found (outside the directories' reach), malformed (no entry there), those of the source.
    [[nodiscard]] Result<Record> record(std::uint64_t number) const;
    [[nodiscard]] static std::uint64_t number_of(const Record& record) noexcept
    {
        return record.at == 0 ? root_number : record.at / slot_bytes;
    }

    [[nodiscard]] Listing list(const Record& directory) const;
    /// Content of a live file, or of exFAT's bitmap.
    [[nodiscard]] io::SourcePtr content(const Record& file) const;

    /// The clusters of a live file, `wanted` at most.
    [[nodiscard]] Chain chain(const Record& file, std::uint64_t wanted) const;
    /// A directory in the clusters of `chain`.
    [[nodiscard]] Listing list_chain(Chain chain) const;
    /// `size` bytes in the clusters of `chain`, zeros behind `valid`; with `free_only`, those that are not free are
    /// unreadable.  Memory: 32 bytes a piece, at most ext::max_runs of them; what lies behind is unreadable.
    [[nodiscard]] io::SourcePtr content_of(Chain chain, std::uint64_t size, std::uint64_t valid,
                                           const Allocation* free_only, const std::string& name) const;
    [[nodiscard]] std::uint64_t clusters_for(std::uint64_t bytes) const noexcept
    {
        return bytes / geometry_.cluster_bytes + (bytes % geometry_.cluster_bytes != 0 ? 1 : 0);
    }

    /// Of the clusters that the dump has.  Errors: malformed (exFAT: no bitmap), unreadable, io, cancelled.
    [[nodiscard]] Result<Allocation> allocation(const RunContext& context) const;

private:
    Volume(io::SourcePtr source, Geometry geometry, ByteCount present)
        : source_{std::move(source)}, geometry_{std::move(geometry)}, present_{present}
    {
    }
    [[nodiscard]] Result<> add_part(std::uint64_t at, std::uint64_t bytes, DirectoryBytes& into) const;
    [[nodiscard]] Result<> add_area(std::uint64_t at, std::uint64_t bytes, DirectoryBytes& into) const;
    [[nodiscard]] DirectoryBytes no_bytes() const;
    [[nodiscard]] DirectoryBytes read_chain(Chain chain) const;
    [[nodiscard]] Result<Record> exfat_record(std::uint64_t at) const;
    [[nodiscard]] Result<Bytes> set_bytes(std::uint64_t at, std::size_t bytes, std::optional<std::uint32_t> next) const;

    io::SourcePtr source_; ///< as long as the boot sector says; what the dump lacks is unreadable
    Geometry geometry_;
    ByteCount present_;
    std::string label_;
    Record root_;
    std::optional<Record> bitmap_;
};

} // namespace salvage::filesystem::fat
