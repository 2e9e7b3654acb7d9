// Staging files on disk and remembering what was staged.
#include "sample_phone_tree.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "sample_phone_crypto.hpp"
#include "sample_phone_tools.hpp"

namespace salvage::rescue::sample {

namespace fs = std::filesystem;

Tree::Tree(fs::path root) : root_{std::move(root)} {}

fs::path Tree::staged(std::string_view path) const
{
    return root_ / fs::path{path}.relative_path();
}

ExpectedFile& Tree::add(std::string_view path, ExpectedFile::Type type, const Attributes& attributes)
{
    auto& entry = entries_.emplace_back();
    entry.path = path;
    entry.type = type;
    entry.mode = attributes.mode;
    entry.uid = attributes.owner;
    entry.gid = attributes.owner;
    entry.mtime = attributes.mtime;
    if (!attributes.selinux.empty()) {
        entry.xattrs.emplace_back("security.selinux", std::string{attributes.selinux} + '\0');
    }
    return entry;
}

Result<> Tree::folder(std::string_view path, const Attributes& attributes)
{
    std::error_code failure;
    fs::create_directories(staged(path), failure);
    if (failure) {
        return from_errno(failure.value(), "cannot make a folder of the sample phone", staged(path).string());
    }
    add(path, ExpectedFile::Type::folder, attributes);
    return {};
}

Result<> Tree::file(std::string_view path, ByteView bytes, const Attributes& attributes)
{
    SALVAGE_TRY(write_new_file(staged(path), bytes));
    return adopt(path, attributes);
}

Result<> Tree::text(std::string_view path, std::string_view content, const Attributes& attributes)
{
    return file(path, as_bytes(content), attributes);
}

Result<> Tree::sparse_file(std::string_view path, std::uint64_t size, const std::vector<Piece>& pieces,
                           const Attributes& attributes)
{
    auto image = SALVAGE_TRY(ImageFile::create(staged(path), ByteCount{size}));
    for (const auto& piece : pieces) {
        SALVAGE_TRY(image.write_at(ByteOffset{piece.at}, piece.bytes));
    }
    return adopt(path, attributes);
}

Result<> Tree::adopt(std::string_view path, const Attributes& attributes)
{
    const auto bytes = SALVAGE_TRY(read_whole_file(staged(path)));
    auto& entry = add(path, ExpectedFile::Type::regular, attributes);
    entry.size = bytes.size();
    entry.sha256 = to_hex(sha256(bytes));
    return {};
}

Result<> Tree::symlink(std::string_view path, std::string_view target, const Attributes& attributes)
{
    std::error_code failure;
    fs::create_symlink(fs::path{target}, staged(path), failure);
    if (failure) {
        return from_errno(failure.value(), "cannot make a symbolic link of the sample phone", staged(path).string());
    }
    auto& entry = add(path, ExpectedFile::Type::symlink, attributes);
    entry.mode = 0777;
    entry.size = target.size();
    entry.link_target = target;
    return {};
}

Result<> Tree::hard_link(std::string_view path, std::string_view existing)
{
    std::error_code failure;
    fs::create_hard_link(staged(existing), staged(path), failure);
    const auto first = std::ranges::find(entries_, existing, &ExpectedFile::path);
    if (failure || first == entries_.end()) {
        return from_errno(failure ? failure.value() : ENOENT, "cannot make a hard link of the sample phone",
                          staged(path).string());
    }
    auto second = *first;
    second.path = path;
    entries_.push_back(std::move(second));
    return {};
}

Result<> Tree::fifo(std::string_view path, const Attributes& attributes)
{
    if (::mkfifo(staged(path).c_str(), static_cast<mode_t>(attributes.mode)) != 0) {
        return from_errno(errno, "cannot make a fifo of the sample phone", staged(path).string());
    }
    add(path, ExpectedFile::Type::fifo, attributes);
    return {};
}

std::string debugfs_commands_for(const ExpectedFile& entry)
{
    std::string quoted;
    for (const char c : entry.path) {
        quoted += c;
        if (c == '"') {
            quoted += c; // a doubled quote stands for itself
        }
    }
    const auto type_bits = [&]() -> std::uint32_t {
        switch (entry.type) {
        case ExpectedFile::Type::folder: return S_IFDIR;
        case ExpectedFile::Type::symlink: return S_IFLNK;
        case ExpectedFile::Type::fifo: return S_IFIFO;
        case ExpectedFile::Type::regular: break;
        }
        return S_IFREG;
    }();
    std::string out;
    const auto set = [&](std::string_view field, std::string_view value) {
        out += fmt::format("set_inode_field \"{}\" {} {}\n", quoted, field, value);
    };
    set("mode", fmt::format("{:#o}", type_bits | entry.mode));
    set("uid", fmt::to_string(entry.uid));
    set("gid", fmt::to_string(entry.gid));
    for (const auto* const time : {"atime", "ctime", "mtime", "crtime"}) {
        set(time, fmt::format("@{}", entry.mtime));
    }
    for (const auto& [name, value] : entry.xattrs) {
        auto text = value;
        const bool ends_in_nul = !text.empty() && text.back() == '\0';
        if (ends_in_nul) {
            text.pop_back();
        }
        out += fmt::format("ea_set \"{}\" {} \"{}{}\"\n", quoted, name, text, ends_in_nul ? "\\000" : "");
    }
    return out;
}

} // namespace salvage::rescue::sample
