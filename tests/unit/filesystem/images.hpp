// Images for these tests: made by mke2fs and debugfs, changed a byte at a time, opened in memory.
#pragma once

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <openssl/evp.h>

#include "salvage/filesystem/filesystem.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::test {

inline std::string sha256(ByteView bytes)
{
    std::array<unsigned char, 32> digest{};
    unsigned int size = 0;
    EVP_Digest(as_uchar(bytes), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
    return to_hex(std::as_bytes(std::span{digest}));
}

/// Runs a command and throws with its text where it fails.
inline std::string must_run(const std::string& command)
{
    auto out = run_command(command);
    if (!out) {
        throw std::runtime_error{"failed: " + command};
    }
    return *out;
}

inline bool have_e2fsprogs()
{
    return run_command("PATH=$PATH:/sbin:/usr/sbin; command -v mke2fs debugfs e2fsck >/dev/null").has_value();
}

/// A shell line with the tools' folders in its path and their clock held still where they allow it.
inline std::string tools(const std::string& line)
{
    return "export PATH=$PATH:/sbin:/usr/sbin E2FSPROGS_FAKE_TIME=1500000000 MKE2FS_CONFIG=/dev/null LC_ALL=C; " + line;
}

inline Bytes unpacked(const std::filesystem::path& path)
{
    const auto name = path.string();
    const auto tool = name.ends_with(".zst") ? "zstd -dcq " : name.ends_with(".gz") ? "gzip -dc " : "cat ";
    const auto text = must_run(tool + name);
    const auto view = as_bytes(text);
    return {view.begin(), view.end()};
}

inline io::SourcePtr in_memory(Bytes bytes)
{
    return io::make_memory(std::move(bytes), "image");
}

inline std::unique_ptr<const filesystem::FileSystem> open_image(Bytes bytes)
{
    auto out = filesystem::open(in_memory(std::move(bytes)));
    if (!out.has_value()) {
        throw std::runtime_error{to_string(out.error())};
    }
    return std::move(*out);
}

/// Every path under `inode` with its entry; throws where a folder cannot be listed.
inline void walk_into(const filesystem::FileSystem& fs, std::uint64_t inode, const std::string& path,
                      std::map<std::string, filesystem::Entry>& out)
{
    auto entries = fs.list(inode);
    if (!entries.has_value()) {
        throw std::runtime_error{to_string(entries.error())};
    }
    for (auto& entry : *entries) {
        const auto name = path.empty() ? entry.name : path + "/" + entry.name;
        const auto is_directory = entry.type == filesystem::EntryType::directory;
        const auto number = entry.inode;
        out.emplace(name, std::move(entry));
        if (is_directory) {
            walk_into(fs, number, name, out);
        }
    }
}

inline std::map<std::string, filesystem::Entry> walk_all(const filesystem::FileSystem& fs)
{
    std::map<std::string, filesystem::Entry> out;
    walk_into(fs, fs.root().inode, "", out);
    return out;
}

inline Bytes content_of(const filesystem::FileSystem& fs, std::uint64_t inode)
{
    const auto source = fs.open(inode);
    if (!source.has_value()) {
        throw std::runtime_error{to_string(source.error())};
    }
    auto bytes = io::read_all(**source, ByteCount{1U << 30U});
    if (!bytes.has_value()) {
        throw std::runtime_error{to_string(bytes.error())};
    }
    return std::move(*bytes);
}

inline Bytes content_at(const filesystem::FileSystem& fs, std::string_view path)
{
    const auto entry = filesystem::find_path(fs, path);
    if (!entry.has_value()) {
        throw std::runtime_error{to_string(entry.error())};
    }
    return content_of(fs, entry->inode);
}

inline bool has_finding(const filesystem::FileSystem& fs, std::string_view code)
{
    for (const auto& finding : fs.findings()) {
        if (finding.code == code) {
            return true;
        }
    }
    return false;
}

inline Bytes bytes_of(std::string_view text)
{
    const auto view = as_bytes(text);
    return {view.begin(), view.end()};
}

} // namespace salvage::test
