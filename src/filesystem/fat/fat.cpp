// FAT12, FAT16, FAT32 and exFAT as a FileSystem.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "deleted.hpp"
#include "filesystem/probes.hpp"
#include "filesystem/unused_areas.hpp"
#include "volume.hpp"

namespace salvage::filesystem {
namespace fat {
namespace {

// FAT32: BPB_BkBootSec is 6 in the specification's own words; exFAT: the backup boot region begins at sector 12.
constexpr std::uint64_t fat32_backup_sector = 6;
constexpr std::uint64_t exfat_backup_sector = 12;
constexpr std::array sector_sizes{std::uint64_t{512}, std::uint64_t{4096}, std::uint64_t{2048}, std::uint64_t{1024}};

struct AttributeName {
    std::uint32_t bit;
    std::string_view name;
};
constexpr std::array attribute_names{
    AttributeName{.bit = attribute::read_only, .name = "read-only"},
    AttributeName{.bit = attribute::hidden, .name = "hidden"},
    AttributeName{.bit = attribute::system, .name = "system"},
    AttributeName{.bit = attribute::archive, .name = "archive"},
};

/// Empty where there is nothing but "archive", which every new file has.
std::string attribute_text(std::uint32_t attributes)
{
    if ((attributes & (attribute::read_only | attribute::hidden | attribute::system)) == 0) {
        return {};
    }
    std::string out;
    for (const auto& [bit, name] : attribute_names) {
        if ((attributes & bit) != 0) {
            out += out.empty() ? "" : ",";
            out += name;
        }
    }
    return out;
}

class FatFileSystem final : public FileSystem {
public:
    FatFileSystem(std::unique_ptr<const Volume> volume, std::vector<Finding> findings)
        : volume_{std::move(volume)}, findings_{std::move(findings)}
    {
    }

    [[nodiscard]] std::string_view kind() const noexcept override { return to_string(volume_->geometry().variant); }
    [[nodiscard]] std::string label() const override { return volume_->label(); }
    [[nodiscard]] Entry root() const override { return entry_of(volume_->root(), {}); }
    [[nodiscard]] const std::vector<Finding>& findings() const noexcept override { return findings_; }

    Result<std::vector<Entry>> list(std::uint64_t inode, std::vector<Entry>* read_so_far) const override
    {
        const auto directory = SALVAGE_TRY(volume_->record(inode));
        if (!directory.is_directory()) {
            return invalid_argument("only a directory can be listed", fmt::format("number {} is a file", inode));
        }
        auto listing = volume_->list(directory);
        std::vector<Entry> out;
        for (const auto& record : listing.records) {
            if (!record.is_deleted) {
                out.push_back(entry_of(record, record.name));
            }
        }
        if (!listing.damage) {
            return out;
        }
        if (read_so_far != nullptr) {
            *read_so_far = std::move(out);
        }
        return std::move(*listing.damage).in(fmt::format("reading the directory of number {}", inode));
    }

    [[nodiscard]] Result<Entry> stat(std::uint64_t inode) const override
    {
        return entry_of(SALVAGE_TRY(volume_->record(inode)), {});
    }

    [[nodiscard]] Result<std::string> read_link(std::uint64_t inode) const override
    {
        return invalid_argument("only a symbolic link has a target",
                                fmt::format("{} has no links: number {}", kind(), inode));
    }

    [[nodiscard]] Result<ExtendedAttributes> extended_attributes(std::uint64_t inode) const override
    {
        const auto record = SALVAGE_TRY(volume_->record(inode));
        ExtendedAttributes out;
        const auto text = attribute_text(record.attributes);
        if (!text.empty()) {
            const auto bytes = as_bytes(text);
            out.emplace_back("user.dos.attributes", Bytes{bytes.begin(), bytes.end()});
        }
        return out;
    }

    [[nodiscard]] Result<io::SourcePtr> open(std::uint64_t inode) const override
    {
        const auto file = SALVAGE_TRY(volume_->record(inode));
        if (file.is_directory()) {
            return invalid_argument("only a file has content", fmt::format("number {} is a directory", inode));
        }
        const auto& geometry = volume_->geometry();
        const auto most = std::uint64_t{geometry.clusters} * geometry.cluster_bytes;
        if (volume_->is_exfat() && file.size > most) {
            return malformed({}, "a file is larger than its volume",
                             fmt::format("number {} has {} bytes, all clusters {}", inode, file.size, most));
        }
        return volume_->content(file);
    }

    [[nodiscard]] Result<std::vector<DeletedFile>> deleted_files(const RunContext& context) const override
    {
        return find_deleted(*volume_, context);
    }

    [[nodiscard]] Result<std::vector<ByteRange>> unused_areas() const override
    {
        const auto allocation = SALVAGE_TRY(volume_->allocation(RunContext{}));
        const auto& geometry = volume_->geometry();
        return free_areas(allocation.clusters(), geometry.heap, geometry.cluster_bytes,
                          [&](std::uint64_t i) { return allocation.is_free(static_cast<std::uint32_t>(i + 2)); });
    }

private:
    std::unique_ptr<const Volume> volume_;
    std::vector<Finding> findings_;
};

Finding about_times(bool is_exfat)
{
    return {.code = "fat-local-times",
            .severity = Severity::note,
            .text = is_exfat ? "times without an offset from UTC are taken as UTC; those with one are converted"
                             : "FAT keeps local times without a zone: they are taken as UTC",
            .where = {},
            .numbers = {},
            .words = {}};
}

Finding about_cut(const Geometry& geometry, const io::ByteSource& source)
{
    Finding out{.code = "fat-cut",
                .severity = Severity::warning,
                .text = "the volume is longer than what there is of it: the rest is unreadable",
                .where = {},
                .numbers = {{"volume_bytes", geometry.volume.value}, {"present_bytes", source.size().value}},
                .words = {}};
    out.where.offset = ByteOffset{source.size().value};
    return out;
}

Finding about_backup(ByteOffset at, const std::optional<Error>& why)
{
    Finding out{.code = "fat-backup-boot-sector",
                .severity = Severity::warning,
                .text = fmt::format("the boot sector is {}; its backup was used",
                                    why ? fmt::format("damaged: {} ({})", why->what, why->why) : "missing"),
                .where = {},
                .numbers = {},
                .words = {}};
    out.where.offset = at;
    return out;
}

Result<std::unique_ptr<const FileSystem>> make_filesystem(const io::SourcePtr& source, Geometry geometry,
                                                          std::vector<Finding> findings)
{
    findings.push_back(about_times(geometry.variant == Variant::exfat));
    if (geometry.volume > source->size()) {
        findings.push_back(about_cut(geometry, *source));
    }
    auto volume = SALVAGE_TRY(Volume::open(source, std::move(geometry)));
    return std::make_unique<const FatFileSystem>(std::move(volume), std::move(findings));
}

/// Empty where it cannot be read.
Result<Bytes> boot_sector_at(const io::ByteSource& source, ByteOffset at)
{
    if (at.value >= source.size().value) {
        return Bytes{};
    }
    auto bytes = io::read_up_to(source, at, ByteCount{boot_bytes});
    if (!bytes.has_value() && bytes.error().code == ErrorCode::unreadable) {
        return Bytes{};
    }
    return bytes;
}

struct Backup {
    Geometry geometry;
    ByteOffset at;
};

/// A copy of the boot sector whose own words put it where it was found.
Result<std::optional<Backup>> find_backup(const io::ByteSource& source)
{
    for (const auto sector : sector_sizes) {
        for (const auto number : {fat32_backup_sector, exfat_backup_sector}) {
            const ByteOffset at{sector * number};
            const auto boot = SALVAGE_TRY(boot_sector_at(source, at));
            const bool is_exfat = number == exfat_backup_sector;
            auto geometry = is_exfat ? parse_exfat_boot(boot) : parse_fat_boot(boot);
            const bool fits = geometry.has_value() && geometry->sector_bytes == sector &&
                              (is_exfat || geometry->variant == Variant::fat32);
            if (fits) {
                return Backup{.geometry = std::move(*geometry), .at = at};
            }
        }
    }
    return std::nullopt;
}

/// `why`: what is wrong with the first boot sector; none: there is none, and a backup that does not open may be all
/// that is left of a volume that was here before.
ProbeResult open_by_backup(const io::SourcePtr& source, const std::optional<Error>& why)
{
    auto backup = SALVAGE_TRY(find_backup(*source));
    if (backup) {
        auto opened = make_filesystem(source, std::move(backup->geometry), {about_backup(backup->at, why)});
        if (opened.has_value() || why || opened.error().code == ErrorCode::io) {
            return opened;
        }
    }
    if (why) {
        return *why;
    }
    return nullptr;
}

} // namespace

Entry entry_of(const Record& record, std::string name)
{
    Entry out;
    out.name = std::move(name);
    out.inode = Volume::number_of(record);
    out.type = record.is_directory() ? EntryType::directory : EntryType::file;
    // As Linux' vfat shows it: nobody owns anything, and read-only takes the right to write from files alone.
    const bool is_read_only = (record.attributes & attribute::read_only) != 0;
    out.mode = record.is_directory() ? 0755 : is_read_only ? 0444 : 0644;
    out.size = ByteCount{record.is_directory() ? 0 : record.size};
    out.modified = record.modified.value_or(Timestamp{});
    out.accessed = record.accessed.value_or(out.modified);
    out.changed = out.modified;
    out.created = record.created;
    return out;
}

} // namespace fat

ProbeResult probe_fat(const io::SourcePtr& source)
{
    const auto boot = SALVAGE_TRY(fat::boot_sector_at(*source, ByteOffset{0}));
    const bool is_exfat = fat::looks_like_exfat(boot);
    if (!is_exfat && !fat::looks_like_fat(boot)) {
        return nullptr;
    }
    auto geometry = io::lifted(is_exfat ? fat::parse_exfat_boot(boot) : fat::parse_fat_boot(boot), *source);
    if (geometry.has_value()) {
        return fat::make_filesystem(source, std::move(*geometry), {});
    }
    return fat::open_by_backup(source, geometry.error());
}

ProbeResult probe_fat_by_backup(const io::SourcePtr& source)
{
    return fat::open_by_backup(source, std::nullopt);
}

} // namespace salvage::filesystem
