// A small tree to export, and what other programs say of what came out, for tests.
#pragma once

#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <utility>

#include <sys/stat.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "fake_filesystem.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/rescue/export.hpp"
#include "support/files.hpp"

namespace salvage::test {

inline Result<rescue::ExportReport> export_all(const FakeFileSystem& files, const std::filesystem::path& out,
                                               const RunContext& context = {})
{
    return rescue::export_folder(files, out, {.source_identity = "phone"}, context);
}

inline bool sums_agree(const std::filesystem::path& folder)
{
    return run_command("cd " + quoted(folder.string()) + " && sha256sum --strict --quiet -c SHA256SUMS 2>&1")
        .has_value();
}

inline std::string text_of(const std::filesystem::path& path)
{
    return std::string{as_text(read_file(path))};
}

/// The manifest's lines by path; every one of them is strict JSON.
inline std::map<std::string, nlohmann::json> manifest_of(const std::filesystem::path& folder)
{
    std::map<std::string, nlohmann::json> out;
    std::istringstream lines{text_of(folder / "manifest.jsonl")};
    for (std::string line; std::getline(lines, line);) {
        auto json = nlohmann::json::parse(line);
        const auto path = json["path"].get<std::string>();
        out.emplace(path, std::move(json));
    }
    return out;
}

inline struct stat stat_of(const std::filesystem::path& path)
{
    struct stat status{};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return status;
}

/// A folder with photos, a link, a pipe, and a file with two names.
inline void fill(FakeFileSystem& files)
{
    constexpr auto root = FakeFileSystem::root_inode;
    const auto media = files.add_folder(root, "media");
    const auto photo = files.add_file(media, "IMG_1.jpg", "a photo");
    files.add_file(media, "empty", "");
    files.add_symlink(media, "latest", "IMG_1.jpg");
    files.link(root, "second name", photo);
    files.add(root, "pipe", filesystem::EntryType::fifo);
    files.add_file(root, "big", io::make_memory(noise((3U << 20U) + 5), "big"));
}

} // namespace salvage::test
