// An open NTFS: files by the number of their record, with the attributes of all records that they have.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "geometry.hpp"
#include "record.hpp"
#include "salvage/core/finding.hpp"
#include "salvage/io/byte_source.hpp"
#include "stream.hpp"

namespace salvage::filesystem::ntfs {

/// Numbers of records that mean the same on every volume.  Spec: Linux, fs/ntfs/layout.h, NTFS_SYSTEM_FILES.
namespace system_file {
constexpr std::uint64_t table = 0;
constexpr std::uint64_t volume = 3;
constexpr std::uint64_t root = 5;
constexpr std::uint64_t bitmap = 6;
constexpr std::uint64_t first_user = 16;
} // namespace system_file

/// A file with the parts of its attributes joined.
struct File {
    std::uint64_t number{};
    std::uint16_t sequence{};
    bool is_in_use{};
    bool is_directory{};
    std::vector<Attribute> attributes;
    std::optional<Error> damage; ///< why some are missing

    [[nodiscard]] const Attribute* find(std::uint32_t type, std::string_view name = {}) const noexcept;
    /// Names that people see: not those for DOS beside a longer one.
    [[nodiscard]] std::vector<FileName> names() const;
};

enum class State : bool { live, deleted };

/// Immutable after open(); every method may be called from many threads.
class Volume {
public:
    /// Errors: malformed (neither $MFT nor its mirror leads to the table), io.
    [[nodiscard]] static Result<std::unique_ptr<const Volume>> open(const io::SourcePtr& source,
                                                                    const Geometry& geometry);

    [[nodiscard]] const Geometry& geometry() const noexcept { return geometry_; }
    [[nodiscard]] const std::string& label() const noexcept { return label_; }
    [[nodiscard]] const std::vector<Finding>& findings() const noexcept { return findings_; }
    /// Parts of the file table that can be read, in bytes of the table.  Errors: as the source.
    [[nodiscard]] Result<std::vector<ByteRange>> stored_table() const;
    /// Bytes of the volume that this dump has.
    [[nodiscard]] ByteCount present() const noexcept { return present_; }
    /// Clusters that lie in them.
    [[nodiscard]] std::uint64_t present_clusters() const noexcept
    {
        return std::min(geometry_.clusters, present_.value / geometry_.cluster_bytes);
    }

    /// The file of a record.  Errors: not_found (no such record, in the other state, or an extension of another),
    /// malformed, those of the source.
    [[nodiscard]] Result<File> file(std::uint64_t number, State state = State::live) const;
    /// Content of an attribute.  Errors: unsupported (encrypted; compressed in more clusters than the dump has bytes;
    /// kept elsewhere by a filter of Windows, as its reparse point and holes say).
    [[nodiscard]] Result<io::SourcePtr> content(const File& file, const Attribute& attribute,
                                                const FreeClusters* free_only = nullptr) const;
    /// Of the clusters that the dump has.  Errors: malformed ($Bitmap), those of the source.
    [[nodiscard]] Result<FreeClusters> free_clusters() const;

private:
    Volume(io::SourcePtr source, const Geometry& geometry, ByteCount present)
        : source_{std::move(source)}, geometry_{geometry}, present_{present}
    {
    }
    Result<> open_table();
    void read_volume_file();
    [[nodiscard]] Result<FileRecord> read_record(const io::ByteSource& table, std::uint64_t number) const;
    [[nodiscard]] Result<File> assemble(const io::ByteSource& table, std::uint64_t number, FileRecord record) const;
    [[nodiscard]] Result<std::vector<Reference>> extensions_of(std::uint64_t number, const FileRecord& record) const;
    [[nodiscard]] Result<FileRecord> extension(const io::ByteSource& table, const Reference& reference,
                                               const File& file) const;
    [[nodiscard]] std::optional<std::uint32_t> filter_of(const File& file) const;

    io::SourcePtr source_; ///< as long as the boot sector says; what the dump lacks is unreadable
    Geometry geometry_;
    ByteCount present_;
    io::SourcePtr table_;
    std::string label_;
    std::vector<Finding> findings_;
};

} // namespace salvage::filesystem::ntfs
