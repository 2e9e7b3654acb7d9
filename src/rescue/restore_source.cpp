// What a restore is made from: a dump, or the folder that a split left (docs/formats/split-manifest.md).
#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "rescue/out_folder.hpp"
#include "rescue/restore_draft.hpp"
#include "salvage/core/text.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/io/missing.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// A split writes a few hundred bytes a part, and a partition table has 128 of them, hostile ones a few thousand.
constexpr ByteCount max_manifest{16ULL << 20U};
constexpr std::size_t max_parts = 4096;
constexpr std::size_t piece_bytes = 1U << 20U;

/// A part as the manifest names it.
struct Part {
    std::string name;
    fs::path file;
    std::string table;
    ByteRange range;
    std::vector<ByteRange> lost; ///< in the dump
};

Error bad_manifest(const fs::path& path, std::string why)
{
    return Error{ErrorCode::malformed,
                 fmt::format("{} is not the manifest of a split", path.string()),
                 std::move(why),
                 std::nullopt,
                 "name the dump itself, or split it anew",
                 {}};
}

std::optional<ByteRange> range_in(const Json& object)
{
    if (!object.is_object()) {
        return std::nullopt;
    }
    const auto start = get_number(object, "start");
    const auto size = get_number(object, "size");
    return start && size ? ByteRange::make(ByteOffset{*start}, ByteCount{*size}) : std::nullopt;
}

std::vector<ByteRange> lost_in(const Json& part)
{
    std::vector<ByteRange> out;
    const auto lost = part.find("lost");
    if (lost == part.end() || !lost->is_array()) {
        return out;
    }
    for (const auto& one : *lost) {
        if (const auto range = range_in(one)) {
            out.push_back(*range);
        }
    }
    return out;
}

std::optional<Part> part_of(const Json& object, const fs::path& folder)
{
    const auto range = range_in(object);
    const auto name = range ? get_text(object, "name") : std::nullopt;
    const auto file = range ? get_text(object, "file") : std::nullopt;
    // A file's name only: a manifest that someone edited must not lead out of its folder.
    if (!range || !name || !file || file->empty() || file->find('/') != std::string::npos || *file == "..") {
        return std::nullopt;
    }
    return Part{.name = *name,
                .file = folder / *file,
                .table = get_text(object, "table").value_or(std::string{}),
                .range = *range,
                .lost = lost_in(object)};
}

Result<std::vector<Part>> read_manifest(const fs::path& folder)
{
    const auto path = folder / "manifest.json";
    const auto file = SALVAGE_TRY(io::open_file(path));
    const auto bytes = SALVAGE_TRY(io::read_all(*file, max_manifest));
    const auto document = parse_object(as_text(bytes));
    if (!document || get_text(*document, "schema") != "salvage.split-manifest/1") {
        return bad_manifest(path, "its schema is not salvage.split-manifest/1");
    }
    const auto parts = document->find("parts");
    if (parts == document->end() || !parts->is_array() || parts->empty() || parts->size() > max_parts) {
        return bad_manifest(path, fmt::format("it has no list of 1 to {} parts", max_parts));
    }
    std::vector<Part> out;
    for (const auto& one : *parts) {
        auto part = one.is_object() ? part_of(one, folder) : std::nullopt;
        if (!part) {
            return bad_manifest(path, fmt::format("part {} lacks its name, file, start or size", out.size() + 1));
        }
        out.push_back(std::move(*part));
    }
    std::ranges::sort(out, {}, [](const Part& part) { return std::pair{part.range.start(), part.range.size()}; });
    return out;
}

Result<io::SourcePtr> open_part(const Part& part)
{
    auto source = SALVAGE_TRY(io::open_file(part.file).in("opening the image of " + printable(part.name)));
    if (source->size() > part.range.size()) {
        return bad_manifest(part.file, fmt::format("it has {} bytes, and the manifest says {}", source->size().value,
                                                   part.range.size().value));
    }
    std::vector<ByteRange> bad;
    for (const auto& lost : part.lost) {
        const auto inside = lost.intersection(part.range);
        bad.push_back(ByteRange::between(ByteOffset{(inside.start() - part.range.start()).value},
                                         ByteOffset{(inside.end() - part.range.start()).value}));
    }
    source = bad.empty() ? source : io::make_with_bad_areas(std::move(source), std::move(bad));
    return io::make_subrange_or_missing(source, ByteRange::first(part.range.size()), part.name);
}

/// The parts laid where they were; where they overlap, the earlier one counts, and what none has is missing.
Result<io::SourcePtr> lay_out(const std::vector<Part>& parts)
{
    std::vector<io::SourcePtr> pieces;
    ByteOffset at{0};
    for (const auto& part : parts) {
        const auto source = SALVAGE_TRY(open_part(part));
        if (part.range.end() <= at) {
            continue;
        }
        if (part.range.start() > at) {
            pieces.push_back(io::make_missing(part.range.start() - at, "between the parts"));
            at = part.range.start();
        }
        const auto from = ByteOffset{(at - part.range.start()).value};
        const auto rest = ByteRange::between(from, ByteOffset{part.range.size().value});
        pieces.push_back(SALVAGE_TRY(io::make_subrange(source, rest, part.name)));
        at = part.range.end();
    }
    return io::make_concat(std::move(pieces), "parts");
}

partition::Partition partition_of(const Part& part)
{
    return {.name = part.name,
            .start = part.range.start(),
            .size = part.range.size(),
            .source = part.table,
            .filesystem = {},
            .role = partition::role_of(part.name),
            .attributes = {}};
}

Result<RestoreSource> open_parts(const DumpRequest& request)
{
    const auto parts = SALVAGE_TRY(read_manifest(request.path));
    RestoreSource out;
    out.dump.path = request.path.string();
    out.dump.container = "parts";
    out.dump.source = SALVAGE_TRY(lay_out(parts));
    if (request.footer_file) {
        out.dump.footer_path = request.footer_file->string();
        out.dump.footer_source = SALVAGE_TRY(io::open_any(*request.footer_file).in("opening the footer file"));
    }
    for (const auto& part : parts) {
        if (part.table.empty()) {
            continue; // a gap between partitions
        }
        out.dump.layout.partitions.push_back(partition_of(part));
        out.parts.emplace_back(part.name, fs::absolute(part.file).lexically_normal().string());
    }
    out.dump.card = find_card_partition(out.dump);
    return out;
}

/// Files that `read` puts beside a dump, and names that are usual for them.
bool has_boot_region(const fs::path& dump, const std::string& region)
{
    std::error_code ignored;
    const auto is_there = [&](const fs::path& path) { return fs::is_regular_file(path, ignored); };
    const auto folder = fs::is_directory(dump, ignored) ? dump : dump.parent_path();
    return is_there(dump.string() + "." + region) || is_there(folder / (region + ".bin")) ||
           is_there(folder / (region + ".img"));
}

} // namespace

Result<RestoreSource> open_restore_source(const DumpRequest& request)
{
    std::error_code ignored;
    RestoreSource out;
    if (fs::is_regular_file(request.path / "manifest.json", ignored) &&
        !fs::exists(request.path / "case.json", ignored)) {
        out = SALVAGE_TRY(open_parts(request));
    } else {
        out.dump = SALVAGE_TRY(open_dump(request));
    }
    for (const std::string region : {"boot1", "boot2"}) {
        if (has_boot_region(out.dump.path, region)) {
            out.boot_regions.push_back(region);
        }
    }
    return out;
}

Result<std::string> hash_source(const io::ByteSource& source, HashProgress& progress, const RunContext& context)
{
    crypto::Sha256 hash;
    Bytes buffer(piece_bytes);
    for (std::uint64_t at = 0; at < source.size().value;) {
        if (context.is_stopped()) {
            return cancelled("hashing the images");
        }
        const auto count = std::min<std::uint64_t>(piece_bytes, source.size().value - at);
        const auto part = std::span{buffer}.first(static_cast<std::size_t>(count));
        SALVAGE_TRY(source.read_at(ByteOffset{at}, part));
        hash.update(part);
        at += count;
        progress.done += count;
        context.progress->update(
            {.step = progress.step, .unit = "bytes", .done = progress.done, .total = progress.total});
    }
    return to_hex(hash.finish());
}

Result<io::SourcePtr> open_image(const RestoreImage& image)
{
    const auto file = SALVAGE_TRY(io::open_any(image.path).in("opening an image of the plan"));
    return io::make_subrange(file, image.range, image.path);
}

} // namespace salvage::rescue
