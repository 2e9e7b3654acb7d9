// One end of the test of deleted files: what Salvage says of a volume, a line a file.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "salvage/filesystem/filesystem.hpp"
#include "salvage/io/sources.hpp"

namespace {

using namespace salvage;
using filesystem::DeletedFile;
using filesystem::EntryType;

struct Digest {
    std::string hex;
    std::uint64_t lost{0};
};

/// Of what can be read; what cannot is counted.
Digest digest_of(const io::ByteSource& source)
{
    constexpr std::uint64_t step = 1U << 20U;
    auto* const context = EVP_MD_CTX_new();
    EVP_DigestInit_ex(context, EVP_sha256(), nullptr);
    Digest out;
    const auto extents = source.extents(io::whole(source));
    for (const auto& extent : extents.has_value() ? *extents : std::vector<io::Extent>{}) {
        if (extent.kind == io::ExtentKind::unreadable) {
            out.lost += extent.range.size().value;
            continue;
        }
        for (auto at = extent.range.start(); at < extent.range.end();) {
            const auto count = std::min(step, (extent.range.end() - at).value);
            const auto bytes = io::read_bytes(source, at, ByteCount{count});
            if (!bytes.has_value()) {
                out.lost += count;
            } else {
                EVP_DigestUpdate(context, bytes->data(), bytes->size());
            }
            at = at + ByteCount{count};
        }
    }
    std::array<unsigned char, 32> digest{};
    EVP_DigestFinal_ex(context, digest.data(), nullptr);
    EVP_MD_CTX_free(context);
    out.hex = to_hex(std::as_bytes(std::span{digest}));
    return out;
}

char letter_of(EntryType type)
{
    constexpr std::string_view letters{"fdlpscbU"};
    return letters[static_cast<std::size_t>(type)];
}

void print(const DeletedFile& file)
{
    const auto digest = file.content ? digest_of(*file.content) : Digest{.hex = "-"};
    const auto path = file.folder.empty() ? "?/" + file.entry.name : file.folder + "/" + file.entry.name;
    fmt::print("{}\t{}\t{:o}\t{}\t{}.{:09}\t{}\t{}\t{}\t{}\t{}\t{}\n", letter_of(file.entry.type),
               file.entry.size.value, file.entry.mode, file.entry.uid, file.entry.modified.seconds,
               file.entry.modified.nanoseconds, digest.hex, digest.lost, to_string(file.confidence), file.target,
               path.starts_with("//") ? path.substr(1) : path, file.proof);
}

int report(const filesystem::FileSystem& fs, std::string_view what)
{
    if (what == "unused") {
        const auto areas = fs.unused_areas();
        if (!areas.has_value()) {
            fmt::print(stderr, "{}\n", to_string(areas.error()));
            return 1;
        }
        for (const auto& area : *areas) {
            fmt::print("{}\t{}\n", area.start().value, area.end().value);
        }
        return 0;
    }
    const auto files = fs.deleted_files({});
    if (!files.has_value()) {
        fmt::print(stderr, "{}\n", to_string(files.error()));
        return 1;
    }
    for (const auto& file : *files) {
        print(file);
    }
    return 0;
}

/// Whether what is left of the deleted file at `path` is what was in it.
int compare(const filesystem::FileSystem& fs, std::string_view path, const io::ByteSource& original)
{
    const auto files = fs.deleted_files({});
    for (const auto& file : files.has_value() ? *files : std::vector<DeletedFile>{}) {
        if (file.folder + "/" + file.entry.name != path || !file.content) {
            continue;
        }
        std::uint64_t same = 0;
        const auto extents = file.content->extents(io::whole(*file.content));
        for (const auto& extent : extents.has_value() ? *extents : std::vector<io::Extent>{}) {
            if (extent.kind == io::ExtentKind::unreadable) {
                continue;
            }
            const auto found = io::read_bytes(*file.content, extent.range.start(), extent.range.size());
            const auto expected = io::read_bytes(original, extent.range.start(), extent.range.size());
            if (!found.has_value() || !expected.has_value() || *found != *expected) {
                fmt::print(stderr, "{}: differs behind byte {}\n", path, extent.range.start().value);
                return 1;
            }
            same += extent.range.size().value;
        }
        fmt::print("{}\n", same);
        return 0;
    }
    fmt::print("0\n");
    return 0;
}

} // namespace

int main(int argc, char** argv)
{
    const std::span arguments{argv, static_cast<std::size_t>(argc)};
    const bool is_comparison = arguments.size() == 5 && std::string_view{arguments[1]} == "compare";
    if (arguments.size() != 3 && !is_comparison) {
        fmt::print(stderr, "usage: ext_volume deleted|unused IMAGE | compare IMAGE PATH ORIGINAL\n");
        return 2;
    }
    const auto source = io::open_any(arguments[2]);
    if (!source.has_value()) {
        fmt::print(stderr, "{}\n", to_string(source.error()));
        return 1;
    }
    const auto fs = filesystem::open(*source);
    if (!fs.has_value()) {
        fmt::print(stderr, "{}\n", to_string(fs.error()));
        return 1;
    }
    if (is_comparison) {
        const auto original = io::open_any(arguments[4]);
        return original.has_value() ? compare(**fs, arguments[3], **original) : 1;
    }
    return report(**fs, arguments[1]);
}
