// NTFS as a FileSystem.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "deleted.hpp"
#include "filesystem/probes.hpp"
#include "index.hpp"
#include "reparse.hpp"
#include "volume.hpp"

namespace salvage::filesystem {
namespace ntfs {
namespace {

// A number of a file is that of its record, below 2^32 on every volume; above stand the named streams, from 1.
constexpr unsigned stream_shift = 32;
constexpr std::uint64_t record_mask = (1ULL << stream_shift) - 1;

constexpr std::size_t information_flags_at = 32;
constexpr std::uint32_t read_only = 0x1;
constexpr std::uint32_t unremarkable = 0x20; // archive: every new file has it

struct FlagName {
    std::uint32_t bit;
    std::string_view name;
};
// Linux, fs/ntfs/layout.h, FILE_ATTR_…
constexpr std::array flag_names{
    FlagName{.bit = read_only, .name = "read-only"}, FlagName{.bit = 0x2, .name = "hidden"},
    FlagName{.bit = 0x4, .name = "system"},          FlagName{.bit = unremarkable, .name = "archive"},
    FlagName{.bit = 0x100, .name = "temporary"},     FlagName{.bit = 0x200, .name = "sparse"},
    FlagName{.bit = 0x400, .name = "reparse-point"}, FlagName{.bit = 0x800, .name = "compressed"},
    FlagName{.bit = 0x1000, .name = "offline"},      FlagName{.bit = 0x4000, .name = "encrypted"},
};

std::uint32_t flags_of(const File& file) noexcept
{
    const auto* const information = file.find(attribute_type::standard_information);
    return information != nullptr && information->value.size() >= information_flags_at + 4
               ? load_le<std::uint32_t>(ByteView{information->value}.subspan(information_flags_at))
               : 0;
}

std::string flag_text(std::uint32_t flags)
{
    std::string out;
    std::uint32_t named = 0;
    for (const auto& [bit, name] : flag_names) {
        if ((flags & bit) != 0) {
            out += out.empty() ? "" : ",";
            out += name;
            named |= bit;
        }
    }
    return (named & ~unremarkable) == 0 ? std::string{} : out;
}

std::optional<std::string> target_of(const File& file)
{
    const auto* const point = file.find(attribute_type::reparse_point);
    return point != nullptr && point->is_resident ? link_target(point->value) : std::nullopt;
}

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
        if (!directory.is_directory) {
            return invalid_argument("only a directory can be listed", fmt::format("record {} is a file", inode));
        }
        auto index = SALVAGE_TRY(read_index(*volume_, directory));
        std::vector<Entry> out;
        add_streams(directory, {}, out);
        for (auto& entry : index.entries) {
            // The file table and its kin stand in the root like files.
            const bool is_system = inode == system_file::root && entry.file.record < system_file::first_user;
            if (!is_system) {
                add_entry(entry, out, index.damage);
            }
        }
        if (!index.damage) {
            return out;
        }
        if (read_so_far != nullptr) {
            *read_so_far = std::move(out);
        }
        return std::move(*index.damage).in(fmt::format("reading the directory of record {}", inode));
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
        ExtendedAttributes out;
        const auto text = flag_text(flags_of(file));
        if (!text.empty() && inode <= record_mask) {
            const auto bytes = as_bytes(text);
            out.emplace_back("user.dos.attributes", Bytes{bytes.begin(), bytes.end()});
        }
        return out;
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
        const auto& geometry = volume_->geometry();
        std::vector<ByteRange> out;
        for (std::uint64_t i = 0; i < geometry.clusters;) {
            auto end = i;
            while (end < geometry.clusters && free.is_free(end)) {
                ++end;
            }
            if (end != i) {
                out.push_back(ByteRange::between(ByteOffset{i * geometry.cluster_bytes},
                                                 ByteOffset{end * geometry.cluster_bytes}));
            }
            i = end + 1;
        }
        return out;
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

    /// The file as its record has it, then its streams as "name:stream".  Of a lost record, the name and what the
    /// directory says of it.
    void add_entry(const IndexEntry& entry, std::vector<Entry>& out, std::optional<Error>& damage) const
    {
        const auto file = volume_->file(entry.file.record);
        if (file.has_value() && file->sequence == entry.file.sequence) {
            out.push_back(entry_of(*file, entry.name.name, 0));
            add_streams(*file, entry.name.name, out);
            return;
        }
        if (file.has_value() && !damage) {
            damage = malformed({}, "a name leads to a record that another file has now",
                               fmt::format("record {}: sequence {}, expected {}", entry.file.record, file->sequence,
                                           entry.file.sequence));
        }
        if (!file.has_value()) {
            constexpr std::uint32_t directory_flag = 0x10000000;
            Entry lost;
            lost.name = entry.name.name;
            lost.inode = entry.file.record;
            lost.type = (entry.name.flags & directory_flag) != 0 ? EntryType::directory : EntryType::file;
            out.push_back(std::move(lost));
        }
    }

    static void add_streams(const File& file, const std::string& name, std::vector<Entry>& out)
    {
        const auto streams = named_streams(file);
        for (std::size_t i = 0; i < streams.size(); ++i) {
            out.push_back(entry_of(file, name + ":" + streams[i]->name, i + 1));
        }
    }

    std::unique_ptr<const Volume> volume_;
    Entry root_;
    std::vector<Finding> findings_;
};

/// The boot sector at `at`; empty where it cannot be read.
Result<Bytes> boot_sector_at(const io::ByteSource& source, ByteOffset at)
{
    auto bytes = io::read_up_to(source, at, ByteCount{boot_bytes});
    if (!bytes.has_value() && bytes.error().code == ErrorCode::unreadable) {
        return Bytes{};
    }
    return bytes;
}

ProbeResult make_filesystem(const io::SourcePtr& source, const Geometry& geometry, std::vector<Finding> findings)
{
    auto volume = SALVAGE_TRY(Volume::open(source, geometry));
    if (geometry.volume() > source->size()) {
        findings.push_back(
            {.code = "ntfs-cut",
             .severity = Severity::warning,
             .text = "the volume is longer than what there is of it: the rest is unreadable",
             .where = {},
             .numbers = {{"volume_bytes", geometry.volume().value}, {"present_bytes", source->size().value}},
             .words = {}});
    }
    findings.insert(findings.end(), volume->findings().begin(), volume->findings().end());
    auto root = entry_of(SALVAGE_TRY(volume->file(system_file::root).in("reading the root directory")), {}, 0);
    return std::make_unique<const NtfsFileSystem>(std::move(volume), std::move(root), std::move(findings));
}

/// The copy of the boot sector in the volume's last sector.
ProbeResult open_by_copy(const io::SourcePtr& source, const std::optional<Error>& why)
{
    const auto size = source->size().value;
    for (const std::uint64_t sector : {512U, 4096U}) {
        if (size < 2 * sector) {
            continue;
        }
        const auto boot = SALVAGE_TRY(boot_sector_at(*source, ByteOffset{size / sector * sector - sector}));
        const auto geometry = parse_boot(boot);
        if (!geometry.has_value() || geometry->sector_bytes != sector) {
            continue;
        }
        Finding finding{.code = "ntfs-boot-sector-copy",
                        .severity = Severity::warning,
                        .text = fmt::format("the boot sector is {}; its copy at the end was used",
                                            why ? "damaged: " + why->what : std::string{"missing"}),
                        .where = {},
                        .numbers = {},
                        .words = {}};
        return make_filesystem(source, *geometry, {std::move(finding)});
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
    const auto boot = SALVAGE_TRY(ntfs::boot_sector_at(*source, ByteOffset{0}));
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
