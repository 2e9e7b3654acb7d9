// FAT12, FAT16, FAT32 and exFAT as a FileSystem.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "deleted.hpp"
#include "filesystem/dos.hpp"
#include "filesystem/posix.hpp"
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

constexpr std::array attribute_names{
    dos::FlagName{.bit = attribute::read_only, .name = "read-only"},
    dos::FlagName{.bit = attribute::hidden, .name = "hidden"},
    dos::FlagName{.bit = attribute::system, .name = "system"},
    dos::FlagName{.bit = attribute::archive, .name = "archive"},
};

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
        SALVAGE_TRY(check_type(EntryType::directory, directory.type(), inode));
        auto listed = volume_->list(directory);
        std::vector<Entry> out;
        for (const auto& record : listed.records) {
            if (!record.is_deleted) {
                out.push_back(entry_of(record, record.name));
            }
        }
        return listing(inode, std::move(out), std::move(listed.damage), read_so_far);
    }

    [[nodiscard]] Result<Entry> stat(std::uint64_t inode) const override
    {
        return entry_of(SALVAGE_TRY(volume_->record(inode)), {});
    }

    [[nodiscard]] Result<std::string> read_link(std::uint64_t inode) const override
    {
        return invalid_argument("only a symbolic link has a target",
                                fmt::format("{} has no links: inode {}", kind(), inode));
    }

    [[nodiscard]] Result<ExtendedAttributes> extended_attributes(std::uint64_t inode) const override
    {
        return dos::flags_as_attributes(SALVAGE_TRY(volume_->record(inode)).attributes, attribute_names);
    }

    [[nodiscard]] Result<io::SourcePtr> open(std::uint64_t inode) const override
    {
        const auto file = SALVAGE_TRY(volume_->record(inode));
        SALVAGE_TRY(check_type(EntryType::file, file.type(), inode));
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
    return make_finding("fat-local-times", Severity::note,
                        is_exfat ? "times without an offset from UTC are taken as UTC; those with one are converted"
                                 : "FAT keeps local times without a zone: they are taken as UTC");
}

Finding about_backup(ByteOffset at, const std::optional<Error>& why)
{
    auto out = make_finding("fat-backup-boot-sector", Severity::warning,
                            fmt::format("the boot sector is {}; its backup was used",
                                        why ? fmt::format("damaged: {} ({})", why->what, why->why) : "missing"));
    out.where.offset = at;
    return out;
}

Result<std::unique_ptr<const FileSystem>> make_filesystem(const io::SourcePtr& source, Geometry geometry,
                                                          std::vector<Finding> findings)
{
    findings.push_back(about_times(geometry.variant == Variant::exfat));
    if (geometry.volume > source->size()) {
        findings.push_back(dos::cut_finding("fat-cut", geometry.volume, source->size()));
    }
    auto volume = SALVAGE_TRY(Volume::open(source, std::move(geometry)));
    return std::make_unique<const FatFileSystem>(std::move(volume), std::move(findings));
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
            const auto boot = SALVAGE_TRY(dos::boot_sector_at(source, at));
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
    out.type = record.type();
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
    const auto boot = SALVAGE_TRY(dos::boot_sector_at(*source, ByteOffset{0}));
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
