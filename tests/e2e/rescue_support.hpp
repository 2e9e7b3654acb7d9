// What journeys of synthetic phones share: the phone, the request, and whether every file came out as it was put in.
#pragma once

#include "salvage/rescue/rescue.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include <sys/stat.h>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <openssl/sha.h>

#include "salvage/core/text.hpp"
#include "salvage/rescue/sample_phone.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {

namespace fs = std::filesystem;
using test::is_ok;

/// What has to come out as files.
enum class Files : std::uint8_t {
    none,       ///< nothing is exported
    all,        ///< every file of the phone, byte for byte
    damaged,    ///< all but the named ones, whose losses are exact
    as_checked, ///< the case's own check looks at them
};

struct Case {
    std::string name;
    std::function<void(SamplePhoneSpec&)> phone{[](SamplePhoneSpec&) {}};
    VerdictCode verdict{VerdictCode::open};
    Files files{Files::all};
    bool is_secret_given{true};
    bool is_scatter_given{false};
    bool are_phone_keys_given{false};
    std::function<void(const SamplePhone&, const RescueReport&)> check{[](const SamplePhone&, const RescueReport&) {}};
};
inline void PrintTo(const Case& each, std::ostream* out) // NOLINT(readability-identifier-naming): GoogleTest's name
{
    *out << each.name;
}

/// A phone whose scrypt takes milliseconds and whose content is small.
inline SamplePhoneSpec quick_spec()
{
    SamplePhoneSpec spec;
    spec.userdata_size = ByteCount{32U << 20U};
    spec.footer.n_log2 = 10;
    spec.content.photos = 2;
    return spec;
}

inline std::vector<GivenSecret> secret_of(const SamplePhone& phone)
{
    std::vector<GivenSecret> out;
    if (!phone.secret.is_empty()) {
        out.push_back({.bytes = phone.secret.clone(), .encoding = "text"});
    }
    return out;
}

inline RescueRequest request_for(const SamplePhone& phone, const Case& each, const fs::path& folder)
{
    RescueRequest request;
    request.dump.path = phone.dump;
    if (each.is_scatter_given) {
        request.dump.layout_files = {phone.scatter};
    }
    if (each.is_secret_given) {
        request.open.secrets = secret_of(phone);
    }
    if (each.are_phone_keys_given && phone.phone_keys) {
        request.open.phone_keys = fde::PhoneKeys{.encryption_key = phone.phone_keys->encryption_key.clone(),
                                                 .hmac_key = phone.phone_keys->hmac_key.clone()};
    }
    request.case_folder = folder / "case";
    request.statement = "a test's own phone";
    request.search_time = std::chrono::seconds{0};
    return request;
}

inline std::string sha256_of(const fs::path& path)
{
    const auto bytes = test::read_file(path);
    Bytes hash(SHA256_DIGEST_LENGTH);
    SHA256(as_uchar(ByteView{bytes}), bytes.size(), as_uchar(std::span{hash}));
    return to_hex(hash);
}

/// Lost bytes by path, as the phone was damaged.
inline std::map<std::string, std::uint64_t> expected_losses(const SamplePhone& phone)
{
    std::map<std::string, std::uint64_t> out;
    for (const auto& file : phone.files) {
        for (const auto& range : file.unreadable) {
            out[file.path] += range.size().value;
        }
    }
    return out;
}

inline void expect_same_entry(const ExpectedFile& file, const fs::path& path, bool is_content_whole)
{
    struct stat facts{};
    ASSERT_EQ(::lstat(path.c_str(), &facts), 0) << printable(file.path) << " is missing";
    switch (file.type) {
    case ExpectedFile::Type::regular:
        ASSERT_TRUE(S_ISREG(facts.st_mode)) << printable(file.path);
        EXPECT_EQ(static_cast<std::uint64_t>(facts.st_size), file.size) << printable(file.path);
        EXPECT_EQ(facts.st_mode & 0777U, file.mode & 0777U) << printable(file.path);
        EXPECT_EQ(facts.st_mtim.tv_sec, file.mtime) << printable(file.path);
        if (is_content_whole) {
            EXPECT_EQ(sha256_of(path), file.sha256) << printable(file.path);
        }
        break;
    case ExpectedFile::Type::folder:
        EXPECT_TRUE(S_ISDIR(facts.st_mode)) << printable(file.path);
        if (file.path == "/") {
            break; // the target folder is the user's own
        }
        EXPECT_EQ(facts.st_mode & 0777U, file.mode & 0777U) << printable(file.path);
        break;
    case ExpectedFile::Type::symlink: EXPECT_EQ(fs::read_symlink(path).string(), file.link_target); break;
    case ExpectedFile::Type::fifo: break;
    }
}

/// The manifest keeps what a target folder cannot: owners, and every mode bit.
inline void expect_manifest(const SamplePhone& phone, const ExportReport& report)
{
    std::map<std::string, nlohmann::json> rows;
    std::istringstream lines{std::string{as_text(test::read_file(report.manifest))}};
    for (std::string line; std::getline(lines, line);) {
        auto row = nlohmann::json::parse(line);
        const auto path = row.at("path").get<std::string>();
        rows.emplace(path, std::move(row));
    }
    EXPECT_GE(rows.size(), phone.files.size() - 1);
    for (const auto& file : phone.files) {
        const auto found = rows.find(file.path);
        if (found == rows.end()) {
            EXPECT_TRUE(file.path == "/" || printable(file.path) != file.path)
                << file.path << " is not in the manifest";
            continue; // a name that is not UTF-8 is written in its escaped form
        }
        EXPECT_EQ(found->second.at("mode"), file.mode) << file.path;
        EXPECT_EQ(found->second.at("uid"), file.uid) << file.path;
        EXPECT_EQ(found->second.at("gid"), file.gid) << file.path;
        if (file.type == ExpectedFile::Type::regular) {
            EXPECT_EQ(found->second.at("size"), file.size) << file.path;
        }
        if (file.type == ExpectedFile::Type::regular && file.unreadable.empty()) {
            EXPECT_EQ(found->second.at("sha256"), file.sha256) << file.path;
        }
    }
}

inline bool is_ours(const std::string& path, const ExportReport& report)
{
    const auto name = fs::path{path}.filename();
    return name == fs::path{report.manifest}.filename() || name == fs::path{report.sums}.filename() ||
           name == "bodyfile.txt" || name == "dfxml.xml" || name.string().starts_with(".salvage");
}

inline void expect_files(const SamplePhone& phone, const RescueReport& report, Files files)
{
    ASSERT_TRUE(report.exported) << "nothing was exported";
    expect_manifest(phone, *report.exported);
    const auto losses = expected_losses(phone);
    std::set<std::string> expected;
    for (const auto& file : phone.files) {
        if (file.type == ExpectedFile::Type::fifo) {
            continue; // only in the manifest
        }
        expected.insert(file.path);
        expect_same_entry(file, report.files_path + file.path, !losses.contains(file.path));
    }
    for (const auto& found : fs::recursive_directory_iterator{report.files_path}) {
        const auto path = "/" + found.path().lexically_relative(report.files_path).string();
        EXPECT_TRUE(expected.contains(path) || is_ours(path, *report.exported)) << printable(path) << " is too much";
    }
    if (files == Files::all) {
        EXPECT_TRUE(report.exported->failed.empty());
        return;
    }
    std::map<std::string, std::uint64_t> told;
    for (const auto& problem : report.exported->failed) {
        EXPECT_TRUE(problem.is_partial) << problem.path;
        told[problem.path] += problem.lost.value;
    }
    EXPECT_EQ(told, losses);
}

} // namespace salvage::rescue
