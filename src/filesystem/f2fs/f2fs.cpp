// f2fs as a FileSystem.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "attributes.hpp"
#include "deleted.hpp"
#include "directory.hpp"
#include "filesystem/posix.hpp"
#include "filesystem/probes.hpp"
#include "names.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/sources.hpp"
#include "volume.hpp"

namespace salvage::filesystem {
namespace f2fs {
namespace {

constexpr std::uint64_t max_link_bytes = block_bytes;

class F2fsFileSystem final : public FileSystem {
public:
    F2fsFileSystem(std::unique_ptr<const Volume> volume, Entry root, std::vector<Finding> findings)
        : volume_{std::move(volume)}, root_{std::move(root)}, findings_{std::move(findings)}
    {
    }

    [[nodiscard]] std::string_view kind() const noexcept override { return "f2fs"; }
    [[nodiscard]] std::string label() const override { return volume_->superblock().label; }
    [[nodiscard]] Entry root() const override { return root_; }
    [[nodiscard]] const std::vector<Finding>& findings() const noexcept override { return findings_; }

    Result<std::vector<Entry>> list(std::uint64_t inode, std::vector<Entry>* read_so_far) const override
    {
        const auto directory = SALVAGE_TRY(volume_->inode(inode));
        SALVAGE_TRY(check_type(EntryType::directory, directory.type(), inode));
        auto names = SALVAGE_TRY(names_of(*volume_, directory));
        std::vector<Entry> out;
        out.reserve(names.entries.size());
        for (auto& name : names.entries) {
            out.push_back(entry_of(std::move(name), directory));
        }
        return listing(inode, std::move(out), std::move(names.damage), read_so_far);
    }

    [[nodiscard]] Result<Entry> stat(std::uint64_t inode) const override
    {
        return make_entry({}, SALVAGE_TRY(volume_->inode(inode)));
    }

    [[nodiscard]] Result<std::string> read_link(std::uint64_t inode) const override
    {
        const auto link = SALVAGE_TRY(volume_->inode(inode));
        SALVAGE_TRY(check_type(EntryType::symlink, link.type(), inode));
        if (link.is_encrypted()) {
            return unsupported("the target of the link is encrypted",
                               "file-based encryption keeps its key in the phone's user data");
        }
        if (link.size == 0 || link.size > max_link_bytes) {
            return malformed({}, "the target of a symbolic link has an impossible length",
                             fmt::format("inode {}: {} bytes", link.number, link.size));
        }
        const auto content = SALVAGE_TRY(volume_->content_of(link));
        const auto bytes = SALVAGE_TRY(io::read_all(*content, ByteCount{max_link_bytes}));
        const auto text = as_text(bytes);
        return std::string{text.substr(0, text.find('\0'))};
    }

    [[nodiscard]] Result<ExtendedAttributes> extended_attributes(std::uint64_t inode) const override
    {
        const auto owner = SALVAGE_TRY(volume_->inode(inode));
        const auto area = SALVAGE_TRY(volume_->attribute_area(owner));
        const auto step = fmt::format("reading the attributes of inode {}", inode);
        auto attributes = SALVAGE_TRY(parse_attributes(area).in(step));
        ExtendedAttributes out;
        for (auto& attribute : attributes) {
            out.emplace_back(ext::full_name(attribute), ext::value_for_people(attribute, std::move(attribute.value)));
        }
        return out;
    }

    [[nodiscard]] Result<io::SourcePtr> open(std::uint64_t inode) const override
    {
        const auto file = SALVAGE_TRY(volume_->inode(inode));
        SALVAGE_TRY(check_type(EntryType::file, file.type(), inode));
        return volume_->content_of(file);
    }

    [[nodiscard]] Result<std::vector<DeletedFile>> deleted_files(const RunContext& context) const override
    {
        return find_deleted(volume_, context);
    }

    [[nodiscard]] Result<std::vector<ByteRange>> unused_areas() const override { return find_unused(*volume_); }

private:
    /// The name as the directory has it; what the inode says where it can be read, else the type that the directory
    /// keeps: whoever opens the entry learns why.
    [[nodiscard]] Entry entry_of(ext::DirectoryEntry name, const Inode& directory) const
    {
        const auto inode = volume_->inode(name.inode);
        if (inode.has_value()) {
            return make_entry(std::move(name.name), *inode);
        }
        Entry out;
        out.name = std::move(name.name);
        out.inode = name.inode;
        out.type = entry_type_of(name.file_type);
        out.is_encrypted = directory.is_encrypted();
        return out;
    }

    std::shared_ptr<const Volume> volume_;
    Entry root_;
    std::vector<Finding> findings_;
};

Result<std::unique_ptr<const FileSystem>> make_filesystem(std::unique_ptr<const Volume> volume,
                                                          std::vector<Finding> findings)
{
    const auto root = SALVAGE_TRY(volume->inode(volume->superblock().root_inode));
    findings.insert(findings.end(), volume->findings().begin(), volume->findings().end());
    return std::make_unique<const F2fsFileSystem>(std::move(volume), make_entry({}, root), std::move(findings));
}

Result<Superblock> read_superblock(const io::ByteSource& source, ByteOffset at)
{
    const auto bytes = SALVAGE_TRY(io::read_bytes(source, at, superblock_bytes));
    return io::lifted(parse_superblock(bytes), source, at);
}

Finding bad_copy(std::string_view code, Severity severity, ByteOffset at, std::string_view text, const Error& why)
{
    Finding out{.code = std::string{code},
                .severity = severity,
                .text = fmt::format("{}: {}{}", text, why.what, why.why.empty() ? "" : fmt::format(" ({})", why.why)),
                .where = {},
                .numbers = {},
                .words = {}};
    out.where.offset = at;
    return out;
}

/// The first copy that leads to a root directory.
Result<std::unique_ptr<const FileSystem>> open_best(const io::SourcePtr& source)
{
    std::optional<Error> why_not;
    for (const auto at : superblock_places) {
        const auto superblock = read_superblock(*source, at);
        auto volume = superblock.has_value() ? Volume::open(source, *superblock)
                                             : Result<std::unique_ptr<const Volume>>{superblock.error()};
        if (!volume.has_value()) {
            if (volume.error().code == ErrorCode::io) {
                return volume.error();
            }
            why_not = why_not.value_or(volume.error());
            continue;
        }
        std::vector<Finding> findings;
        if (why_not) {
            findings.push_back(bad_copy("f2fs-second-superblock", Severity::warning, superblock_places[0],
                                        "the first superblock is damaged; the second was used", *why_not));
        } else if (const auto second = read_superblock(*source, superblock_places[1]); !second.has_value()) {
            findings.push_back(bad_copy("f2fs-superblock-copy", Severity::note, superblock_places[1],
                                        "the second superblock is damaged; the first was used", second.error()));
        }
        return make_filesystem(std::move(*volume), std::move(findings));
    }
    return *why_not;
}

/// Whether there is a superblock at `at`; an unreadable area is none.
Result<bool> has_magic(const io::ByteSource& source, ByteOffset at)
{
    const auto bytes = io::read_up_to(source, at, ByteCount{4});
    if (!bytes.has_value()) {
        return bytes.error().code == ErrorCode::unreadable ? Result<bool>{false} : Result<bool>{bytes.error()};
    }
    return has_f2fs_magic(*bytes);
}

Result<std::unique_ptr<const FileSystem>> probe_at(const io::SourcePtr& source, ByteOffset at)
{
    const ByteCount least{superblock_places[1].value + superblock_bytes.value};
    if (source->size() < least || !SALVAGE_TRY(has_magic(*source, at))) {
        return nullptr;
    }
    return open_best(source);
}

} // namespace
} // namespace f2fs

ProbeResult probe_f2fs(const io::SourcePtr& source)
{
    return f2fs::probe_at(source, f2fs::superblock_places[0]);
}

ProbeResult probe_f2fs_by_copy(const io::SourcePtr& source)
{
    return f2fs::probe_at(source, f2fs::superblock_places[1]);
}

} // namespace salvage::filesystem
