// EROFS as a FileSystem.
#include <array>
#include <utility>

#include <fmt/format.h>

#include "directory.hpp"
#include "filesystem/probes.hpp"
#include "salvage/core/text.hpp"
#include "volume.hpp"

namespace salvage::filesystem {
namespace erofs {
namespace {

/// Linux, fs/erofs/inode.c: a target is shorter than a page.
constexpr std::uint64_t max_link_bytes = 4096;

class ErofsFileSystem final : public FileSystem {
public:
    ErofsFileSystem(std::unique_ptr<const Volume> volume, Entry root)
        : volume_{std::move(volume)}, root_{std::move(root)}
    {
    }

    [[nodiscard]] std::string_view kind() const noexcept override { return "erofs"; }
    [[nodiscard]] std::string label() const override { return volume_->superblock().label; }
    [[nodiscard]] Entry root() const override { return root_; }
    [[nodiscard]] const std::vector<Finding>& findings() const noexcept override { return volume_->findings(); }

    Result<std::vector<Entry>> list(std::uint64_t inode, std::vector<Entry>* read_so_far) const override
    {
        const auto owner = SALVAGE_TRY(volume_->inode(inode));
        SALVAGE_TRY(check_type(EntryType::directory, owner.type(), inode));
        const auto content = SALVAGE_TRY(volume_->cached_content_of(owner));
        auto directory = SALVAGE_TRY(read_directory(*content, volume_->superblock().block_bytes()));
        check_itself(owner, directory);
        std::vector<Entry> out;
        out.reserve(directory.entries.size());
        auto names = std::move(directory.entries);
        for (auto& name : names) {
            add_entry(owner, std::move(name), directory, out);
        }
        return listing(inode, std::move(out), std::move(directory.damage), read_so_far);
    }

    [[nodiscard]] Result<Entry> stat(std::uint64_t inode) const override
    {
        return make_entry({}, SALVAGE_TRY(volume_->inode(inode)));
    }

    [[nodiscard]] Result<std::string> read_link(std::uint64_t inode) const override
    {
        const auto link = SALVAGE_TRY(volume_->inode(inode));
        SALVAGE_TRY(check_type(EntryType::symlink, link.type(), inode));
        if (link.size == 0 || link.size >= max_link_bytes) {
            return malformed({}, "the target of a symbolic link has an impossible length",
                             fmt::format("inode {}: {} bytes", link.number, link.size));
        }
        const auto content = SALVAGE_TRY(volume_->cached_content_of(link));
        const auto bytes = SALVAGE_TRY(io::read_all(*content, ByteCount{max_link_bytes}));
        const auto text = as_text(bytes);
        if (text.find('\0') != std::string_view::npos) {
            return malformed({}, "the target of a symbolic link cannot be one",
                             fmt::format("inode {}: \"{}\"", link.number, printable(text)));
        }
        return std::string{text};
    }

    [[nodiscard]] Result<ExtendedAttributes> extended_attributes(std::uint64_t inode) const override
    {
        const auto owner = SALVAGE_TRY(volume_->inode(inode));
        auto attributes =
            SALVAGE_TRY(volume_->attributes_of(owner).in(fmt::format("reading the attributes of inode {}", inode)));
        ExtendedAttributes out;
        for (auto& attribute : attributes) {
            out.emplace_back(full_name(attribute, volume_->long_prefixes()), std::move(attribute.value));
        }
        return out;
    }

    [[nodiscard]] Result<io::SourcePtr> open(std::uint64_t inode) const override
    {
        const auto file = SALVAGE_TRY(volume_->inode(inode));
        SALVAGE_TRY(check_type(EntryType::file, file.type(), inode));
        return volume_->content_of(file);
    }

    /// None: the volume was written once, and nothing was ever deleted from it.
    [[nodiscard]] Result<std::vector<DeletedFile>> deleted_files(const RunContext& /*context*/) const override
    {
        return std::vector<DeletedFile>{};
    }
    /// None, for the same reason.
    [[nodiscard]] Result<std::vector<ByteRange>> unused_areas() const override { return std::vector<ByteRange>{}; }

private:
    static void check_itself(const Inode& owner, Directory& directory)
    {
        if (directory.self == owner.number) {
            return;
        }
        directory.note(malformed({}, "a directory does not name itself",
                                 directory.self
                                     ? fmt::format("inode {} says that it is {}", owner.number, *directory.self)
                                     : fmt::format("inode {} has no entry \".\"", owner.number)));
    }

    /// An entry whose inode is of another type than the directory keeps leads to another file: it is left out.  One
    /// that cannot be read has what the directory keeps; whoever opens it learns why.
    void add_entry(const Inode& owner, DirectoryEntry name, Directory& directory, std::vector<Entry>& out) const
    {
        const auto inode = volume_->inode(name.inode);
        if (!inode.has_value()) {
            Entry entry;
            entry.name = std::move(name.name);
            entry.inode = name.inode;
            entry.type = name.type;
            out.push_back(std::move(entry));
            return;
        }
        if (name.type != EntryType::unknown && name.type != inode->type()) {
            directory.note(malformed({}, "an entry of a directory and its inode contradict each other",
                                     fmt::format("\"{}\" is a {}, inode {} is a {}", printable(name.name),
                                                 to_string(name.type), inode->number, to_string(inode->type()))));
            return;
        }
        // mkfs.erofs packs directories on request only; to read a long index for each name of one would take too long.
        const bool is_flat = inode->layout == DataLayout::plain || inode->layout == DataLayout::inline_tail;
        if (inode->is_directory() && is_flat) {
            check_parent(owner, name.name, *inode, directory);
        }
        out.push_back(make_entry(std::move(name.name), *inode));
    }

    void check_parent(const Inode& owner, const std::string& name, const Inode& inode, Directory& directory) const
    {
        const auto content = volume_->cached_content_of(inode);
        if (!content.has_value()) {
            return; // whoever lists it learns why
        }
        const auto parent = find_parent(**content, volume_->superblock().block_bytes());
        if (parent && *parent != owner.number) {
            directory.note(malformed({}, "an entry leads to a directory that lies elsewhere",
                                     fmt::format("\"{}\" is inode {}, whose parent is not {} but {}", printable(name),
                                                 inode.number, owner.number, *parent)));
        }
    }

    std::unique_ptr<const Volume> volume_;
    Entry root_;
};

Result<std::unique_ptr<const FileSystem>> open_erofs(const io::SourcePtr& source)
{
    const auto bytes = SALVAGE_TRY(io::read_bytes(*source, superblock_at, ByteCount{superblock_bytes}));
    const auto superblock = SALVAGE_TRY(io::lifted(parse_superblock(bytes), *source, superblock_at));
    auto volume = SALVAGE_TRY(Volume::open(source, superblock));
    const auto root = SALVAGE_TRY(volume->inode(superblock.root));
    return std::make_unique<const ErofsFileSystem>(std::move(volume), make_entry({}, root));
}

} // namespace
} // namespace erofs

ProbeResult probe_erofs(const io::SourcePtr& source)
{
    const auto start = io::read_up_to(*source, erofs::superblock_at, ByteCount{4});
    if (!start.has_value()) {
        const bool is_elsewhere =
            start.error().code == ErrorCode::unreadable || start.error().code == ErrorCode::truncated;
        return is_elsewhere ? ProbeResult{nullptr} : ProbeResult{start.error()};
    }
    if (!erofs::has_erofs_magic(*start)) {
        return nullptr;
    }
    return erofs::open_erofs(source);
}

} // namespace salvage::filesystem
