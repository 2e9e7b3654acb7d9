// NTFS as a FileSystem.
#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "deleted.hpp"
#include "filesystem/dos.hpp"
#include "filesystem/posix.hpp"
#include "filesystem/probes.hpp"
#include "filesystem/unused_areas.hpp"
#include "index.hpp"
#include "reparse.hpp"
#include "volume.hpp"

namespace salvage::filesystem {
namespace ntfs {
namespace {

// A number of a file is that of its record, below 2^32 on every volume; above stand the named streams, from 1.
constexpr unsigned stream_shift = 32;
constexpr std::uint64_t record_mask = (1ULL << stream_shift) - 1;

// As many as an index has names: a name may bring streams with it.
constexpr std::size_t max_listed = 1U << 20U;
constexpr std::size_t max_large_files = 16;

constexpr std::size_t information_flags_at = 32;
constexpr std::uint32_t read_only = 0x1;

// Linux, fs/ntfs/layout.h, FILE_ATTR_…
constexpr std::array flag_names{
    dos::FlagName{.bit = read_only, .name = "read-only"}, dos::FlagName{.bit = 0x2, .name = "hidden"},
    dos::FlagName{.bit = 0x4, .name = "system"},          dos::FlagName{.bit = dos::unremarkable, .name = "archive"},
    dos::FlagName{.bit = 0x100, .name = "temporary"},     dos::FlagName{.bit = 0x200, .name = "sparse"},
    dos::FlagName{.bit = 0x400, .name = "reparse-point"}, dos::FlagName{.bit = 0x800, .name = "compressed"},
    dos::FlagName{.bit = 0x1000, .name = "offline"},      dos::FlagName{.bit = 0x4000, .name = "encrypted"},
};

std::uint32_t flags_of(const File& file) noexcept
{
    const auto* const information = file.find(attribute_type::standard_information);
    return information != nullptr && information->value.size() >= information_flags_at + 4
               ? load_le<std::uint32_t>(ByteView{information->value}.subspan(information_flags_at))
               : 0;
}

std::optional<std::string> target_of(const File& file)
{
    const auto* const point = file.find(attribute_type::reparse_point);
    return point != nullptr && point->is_resident ? link_target(point->value) : std::nullopt;
}

/// Entries of a directory: files as their records have them, each followed by its streams as "name:stream".  Of a lost
/// record, what the directory says of it.
class Lister {
public:
    Lister(const Volume& volume, std::optional<Error> damage) : volume_{volume}, damage_{std::move(damage)} {}

    void add(const IndexEntry& entry)
    {
        if (entry.file.record > record_mask) { // its number would be another file's stream
            note(malformed({}, "a name leads to a record that no volume has",
                           fmt::format("record {}", entry.file.record)));
            return;
        }
        const auto& file = file_of(entry.file.record);
        if (!file.has_value()) {
            push(lost(entry));
        } else if (file->sequence != entry.file.sequence) {
            note(malformed({}, "a name leads to a record that another file has now",
                           fmt::format("record {}: sequence {}, expected {}", entry.file.record, file->sequence,
                                       entry.file.sequence)));
        } else {
            push(entry_of(*file, entry.name.name, 0));
            add_streams(*file, entry.name.name);
        }
    }

    void add_streams(const File& file, const std::string& name)
    {
        const auto streams = named_streams(file);
        for (std::size_t i = 0; i < streams.size() && out_.size() < max_listed; ++i) {
            push(entry_of(file, name + ":" + streams[i]->name, i + 1));
        }
    }

    std::pair<std::vector<Entry>, std::optional<Error>> take() && { return {std::move(out_), std::move(damage_)}; }

private:
    void note(Error error)
    {
        if (!damage_) {
            damage_ = std::move(error);
        }
    }

    void push(Entry entry)
    {
        if (out_.size() < max_listed) {
            out_.push_back(std::move(entry));
        } else {
            note(unsupported("a directory has more entries than are listed", fmt::format("more than {}", max_listed)));
        }
    }

    /// Files of many records are kept: each name of such a file would read them all again.
    const Result<File>& file_of(std::uint64_t number)
    {
        if (const auto known = large_.find(number); known != large_.end()) {
            return known->second;
        }
        last_ = volume_.file(number);
        if (!last_.has_value() || last_->find(attribute_type::attribute_list) == nullptr) {
            return last_;
        }
        if (large_.size() >= max_large_files) {
            large_.clear();
        }
        return large_.emplace(number, std::move(last_)).first->second;
    }

    static Entry lost(const IndexEntry& entry)
    {
        constexpr std::uint32_t directory_flag = 0x10000000;
        Entry out;
        out.name = entry.name.name;
        out.inode = entry.file.record;
        const bool is_directory = (entry.name.flags & directory_flag) != 0;
        out.type = is_directory ? EntryType::directory : EntryType::file;
        out.size = ByteCount{is_directory ? 0 : entry.name.size};
        out.created = entry.name.created;
        out.modified = entry.name.modified;
        out.changed = entry.name.changed;
        out.accessed = entry.name.accessed;
        return out;
    }

    const Volume& volume_;
    std::optional<Error> damage_;
    std::vector<Entry> out_;
    Result<File> last_{File{}};
    std::map<std::uint64_t, Result<File>> large_;
};

class NtfsFileSystem final : public FileSystem {
public:
    NtfsFileSystem(std::unique_ptr<const Volume> volume, Entry root, std::vector<Finding> findings)
        : volume_{std::move(volume)}, root_{std::move(root)}, findings_{std::move(findings)}
    {
    }

    [[nodiscard]] std::string_view kind() const noexcept override { return "ntfs"; }
    [[nodiscard]] std::string label() const override { return volume_->label(); }
    [[nodiscard]] Entry root() const override { return root_; }
    [[nodiscard]] const std::vector<Finding>& findings() const noexcept override { return findings_; }

    Result<std::vector<Entry>> list(std::uint64_t inode, std::vector<Entry>* read_so_far) const override
    {
        const auto directory = SALVAGE_TRY(volume_->file(inode));
        SALVAGE_TRY(
            check_type(EntryType::directory, directory.is_directory ? EntryType::directory : EntryType::file, inode));
        auto index = SALVAGE_TRY(read_index(*volume_, directory));
        Lister lister{*volume_, std::move(index.damage)};
        lister.add_streams(directory, {});
        for (auto& entry : index.entries) {
            // The file table and its kin stand in the root like files.
            const bool is_system = inode == system_file::root && entry.file.record < system_file::first_user;
            if (!is_system) {
                lister.add(entry);
            }
        }
        auto [entries, damage] = std::move(lister).take();
        return listing(inode, std::move(entries), std::move(damage), read_so_far);
    }

    [[nodiscard]] Result<Entry> stat(std::uint64_t inode) const override
    {
        const auto file = SALVAGE_TRY(volume_->file(inode & record_mask));
        SALVAGE_TRY(stream_of(file, inode));
        return entry_of(file, {}, inode >> stream_shift);
    }

    [[nodiscard]] Result<std::string> read_link(std::uint64_t inode) const override
    {
        const auto file = SALVAGE_TRY(volume_->file(inode & record_mask));
        auto target = target_of(file);
        if (!target || inode > record_mask) {
            return invalid_argument("only a symbolic link has a target", fmt::format("record {} is none", inode));
        }
        return std::move(*target);
    }

    [[nodiscard]] Result<ExtendedAttributes> extended_attributes(std::uint64_t inode) const override
    {
        const auto file = SALVAGE_TRY(volume_->file(inode & record_mask));
        return inode > record_mask ? ExtendedAttributes{} : dos::flags_as_attributes(flags_of(file), flag_names);
    }

    [[nodiscard]] Result<io::SourcePtr> open(std::uint64_t inode) const override
    {
        const auto file = SALVAGE_TRY(volume_->file(inode & record_mask));
        const auto* const stream = SALVAGE_TRY(stream_of(file, inode));
        if (inode <= record_mask && (file.is_directory || target_of(file))) {
            return invalid_argument("only a file has content",
                                    fmt::format("record {} is a {}", inode, file.is_directory ? "directory" : "link"));
        }
        if (stream == nullptr) {
            return file.damage.value_or(
                malformed({}, "a file has no content", fmt::format("record {} has no attribute $DATA", inode)));
        }
        return volume_->content(file, *stream);
    }

    [[nodiscard]] Result<std::vector<DeletedFile>> deleted_files(const RunContext& context) const override
    {
        return find_deleted(*volume_, context);
    }

    [[nodiscard]] Result<std::vector<ByteRange>> unused_areas() const override
    {
        const auto free = SALVAGE_TRY(volume_->free_clusters());
        return free_areas(free.clusters(), ByteOffset{0}, volume_->geometry().cluster_bytes,
                          [&](std::uint64_t cluster) { return free.is_free(cluster); });
    }

private:
    /// The attribute that holds the content of `inode`: null where a file has none.  Errors: not_found (no such
    /// stream).
    [[nodiscard]] static Result<const Attribute*> stream_of(const File& file, std::uint64_t inode)
    {
        const auto number = inode >> stream_shift;
        if (number == 0) {
            return file.find(attribute_type::data);
        }
        const auto streams = named_streams(file);
        if (number > streams.size()) {
            return not_found("there is no such stream", fmt::format("record {} has {}", file.number, streams.size()));
        }
        return streams[static_cast<std::size_t>(number - 1)];
    }

    std::unique_ptr<const Volume> volume_;
    Entry root_;
    std::vector<Finding> findings_;
};

ProbeResult make_filesystem(const io::SourcePtr& source, const Geometry& geometry, std::vector<Finding> findings)
{
    auto volume = SALVAGE_TRY(Volume::open(source, geometry));
    if (geometry.volume() > source->size()) {
        findings.push_back(dos::cut_finding("ntfs-cut", geometry.volume(), source->size()));
    }
    findings.insert(findings.end(), volume->findings().begin(), volume->findings().end());
    auto root = entry_of(SALVAGE_TRY(volume->file(system_file::root).in("reading the root directory")), {}, 0);
    return std::make_unique<const NtfsFileSystem>(std::move(volume), std::move(root), std::move(findings));
}

/// Whether a copy of the boot sector is one of a volume that ends where it lies: behind the last sector that it counts,
/// or where its maker counted whole clusters only, a little further on.
bool is_copy_at(ByteView boot, const Geometry& geometry, std::uint64_t place) noexcept
{
    const auto sectors =
        checked_multiply<std::uint64_t>(load_le<std::uint64_t>(boot.subspan(40)), geometry.sector_bytes);
    return sectors && *sectors <= place && place - *sectors < geometry.cluster_bytes;
}

/// The copy of the boot sector in the volume's last sector.  `why`: what is wrong with the first boot sector; none:
/// there is none, and a copy that does not open may be all that is left of a volume that was here before.
ProbeResult open_by_copy(const io::SourcePtr& source, const std::optional<Error>& why)
{
    const auto size = source->size().value;
    for (const std::uint64_t sector : {512U, 4096U}) {
        if (size < 2 * sector) {
            continue;
        }
        const auto place = size / sector * sector - sector;
        const auto boot = SALVAGE_TRY(dos::boot_sector_at(*source, ByteOffset{place}));
        const auto geometry = parse_boot(boot);
        if (!geometry.has_value() || geometry->sector_bytes != sector || !is_copy_at(boot, *geometry, place)) {
            continue;
        }
        const auto text = fmt::format("the boot sector is {}; its copy at the end was used",
                                      why ? "damaged: " + why->what : std::string{"missing"});
        auto opened =
            make_filesystem(source, *geometry, {make_finding("ntfs-boot-sector-copy", Severity::warning, text)});
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

std::vector<const Attribute*> named_streams(const File& file)
{
    std::vector<const Attribute*> out;
    for (const auto& attribute : file.attributes) {
        if (attribute.type == attribute_type::data && !attribute.name.empty()) {
            out.push_back(&attribute);
        }
    }
    return out;
}

Entry entry_of(const File& file, std::string name, std::uint64_t stream)
{
    Entry out;
    out.name = std::move(name);
    out.inode = file.number | stream << stream_shift;
    const bool is_link = stream == 0 && target_of(file).has_value();
    const bool is_directory = stream == 0 && file.is_directory;
    out.type = is_link ? EntryType::symlink : is_directory ? EntryType::directory : EntryType::file;
    const bool is_read_only = (flags_of(file) & read_only) != 0;
    out.mode = is_link ? 0777 : is_directory ? 0755 : is_read_only ? 0444 : 0644;
    const auto streams = named_streams(file);
    const auto* const content = stream == 0 || stream > streams.size() ? file.find(attribute_type::data)
                                                                       : streams[static_cast<std::size_t>(stream - 1)];
    if (out.type == EntryType::file && content != nullptr) {
        out.size = ByteCount{content->bytes()};
    }
    if (stream == 0 && !file.is_directory) {
        out.links = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(file.names().size()));
    }
    const auto* const information = file.find(attribute_type::standard_information);
    if (information != nullptr && information->value.size() >= information_flags_at) {
        const ByteView times{information->value};
        out.created = time_from_windows(load_le<std::uint64_t>(times));
        out.modified = time_from_windows(load_le<std::uint64_t>(times.subspan(8)));
        out.changed = time_from_windows(load_le<std::uint64_t>(times.subspan(16)));
        out.accessed = time_from_windows(load_le<std::uint64_t>(times.subspan(24)));
    }
    return out;
}

} // namespace ntfs

ProbeResult probe_ntfs(const io::SourcePtr& source)
{
    const auto boot = SALVAGE_TRY(dos::boot_sector_at(*source, ByteOffset{0}));
    if (ntfs::looks_like_ntfs(boot)) {
        const auto geometry = io::lifted(ntfs::parse_boot(boot), *source);
        return geometry.has_value() ? ntfs::make_filesystem(source, *geometry, {})
                                    : ntfs::open_by_copy(source, geometry.error());
    }
    return nullptr;
}

ProbeResult probe_ntfs_by_copy(const io::SourcePtr& source)
{
    return ntfs::open_by_copy(source, std::nullopt);
}

} // namespace salvage::filesystem
