// EROFS volumes for these tests: samples of one tree, and volumes that mkfs.erofs makes of a folder.
#pragma once

#include <algorithm>

#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "f2fs_images.hpp"

namespace salvage::test {

inline std::filesystem::path erofs_samples()
{
    return sample("../../fuzz/corpus/erofs");
}

/// What tools/testdata/make_erofs_samples.sh made.
inline Bytes erofs_sample(const std::string& name)
{
    return read_file(erofs_samples() / name);
}

/// The program that is asked for, or that of the system.
inline std::string mkfs_erofs()
{
    const char* const chosen = std::getenv("SALVAGE_MKFS_EROFS"); // NOLINT(concurrency-mt-unsafe)
    return chosen == nullptr ? "mkfs.erofs" : chosen;
}

inline bool have_erofs_tools()
{
    return run_command("PATH=$PATH:/sbin:/usr/sbin; command -v " + mkfs_erofs() + " >/dev/null").has_value();
}

/// An image of `tree` in `folder`.
inline std::filesystem::path erofs_image(const std::filesystem::path& tree, const std::filesystem::path& folder,
                                         const std::string& options)
{
    auto path = folder / "erofs.img";
    std::filesystem::remove(path);
    must_run(tools(mkfs_erofs() + " " + options + " " + path.string() + " " + tree.string() + " 2>&1"));
    return path;
}

using AttributeMap = std::map<std::string, std::string>;

inline AttributeMap attributes_of(const filesystem::FileSystem& fs, std::uint64_t inode)
{
    AttributeMap out;
    const auto attributes = fs.extended_attributes(inode).value();
    for (const auto& [name, value] : attributes) {
        out.emplace(name, to_hex(value));
    }
    return out;
}

/// As the kernel shows them.
inline AttributeMap attributes_of(const std::filesystem::path& path)
{
    std::string names(4096, '\0');
    const auto count = ::llistxattr(path.c_str(), names.data(), names.size());
    names.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    AttributeMap out;
    for (std::size_t at = 0; at < names.size();) {
        const std::string name{names.c_str() + at};
        at += name.size() + 1;
        std::string value(65536, '\0');
        const auto bytes = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
        value.resize(bytes < 0 ? 0 : static_cast<std::size_t>(bytes));
        out.emplace(name, to_hex(as_bytes(value)));
    }
    return out;
}

} // namespace salvage::test
