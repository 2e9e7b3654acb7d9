// Hits of a chunk folder, made known before their chunks end.  Format: docs/formats/chunk-folder.md.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "rescue/chunk_files.hpp"
#include "rescue/chunk_folder.hpp"
#include "rescue/chunk_text.hpp"
#include "salvage/crypto/hash.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view hit_version = "1";
// A hit's file holds one line for a name and a secret of at most max_chunk_text bytes each, twice that in hex.
constexpr ByteCount max_hit_bytes{128U << 10U};

/// A target's name as the names of its hits spell it.
std::string target_digits(std::string_view target)
{
    return to_hex(ByteView{crypto::sha256(as_bytes(target))}.first(8));
}

std::string hit_name(const ChunkHit& hit)
{
    return fmt::format("{}-{}", hit.number, target_digits(hit.target));
}

/// What a hit's name says.
struct NamedHit {
    std::uint64_t number{};
    std::string target; ///< target_digits()
    std::string name;
};

std::optional<NamedHit> parse_hit_name(std::string name)
{
    const auto dash = name.find('-');
    const auto number = dash == std::string::npos ? std::nullopt : number_named(std::string_view{name}.substr(0, dash));
    if (!number) {
        return std::nullopt;
    }
    auto target = name.substr(dash + 1);
    return NamedHit{.number = *number, .target = std::move(target), .name = std::move(name)};
}

Result<ChunkHit> parse_hit(const ChunkFolder& folder, ByteView bytes)
{
    auto lines = chunk_lines(as_text(bytes));
    const auto version = SALVAGE_TRY(lines.value("salvage-hit"));
    const auto job = SALVAGE_TRY(read_word(lines, "job"));
    if (version != hit_version || job != folder.digest) {
        return malformed(ByteOffset{0}, "a hit is of another job or version");
    }
    SALVAGE_TRY(lines.number("chunk"));
    SALVAGE_TRY(read_writer(lines));
    auto hit = SALVAGE_TRY(read_hit(lines));
    SALVAGE_TRY(read_check(lines));
    return hit;
}

/// The hit under that name, or nothing where none stands or a damaged one.  Errors: io.
Result<std::optional<ChunkHit>> read_hit_file(const ChunkFolder& folder, const std::string& name)
{
    const auto bytes = read_small_file(ChunkPaths{folder}.hits() / name, max_hit_bytes);
    if (!bytes.has_value() && bytes.error().code == ErrorCode::io) {
        return bytes.error();
    }
    if (!bytes.has_value() || !bytes->has_value()) {
        return std::optional<ChunkHit>{};
    }
    auto hit = parse_hit(folder, **bytes);
    const bool is_sound = hit.has_value() && hit_name(*hit) == name;
    return is_sound ? std::optional{std::move(*hit)} : std::nullopt;
}

/// What stands in a hit's place and is none would hide it for ever.
Result<> replace_damaged(const ChunkFolder& folder, const std::string& name, ByteView bytes, const std::string& token)
{
    const ChunkPaths paths{folder};
    const auto aside = paths.damaged() / fmt::format("hit-{}-{}", name, token);
    if (std::rename((paths.hits() / name).c_str(), aside.c_str()) != 0 && errno != ENOENT) {
        return from_errno(errno, "the damaged hit cannot be moved away", (paths.hits() / name).string());
    }
    SALVAGE_TRY(put_first(paths.hits(), name, bytes, token));
    return {};
}

} // namespace

Result<> publish_hit(const ChunkFolder& folder, std::uint64_t chunk, const ChunkHit& hit, const ChunkWriter& writer)
{
    const auto range = SALVAGE_TRY(chunk_range(folder.job, chunk));
    if (hit.number < range.begin || hit.number - range.begin >= range.length) {
        return invalid_argument(fmt::format("a hit is not one of chunk {}'s candidates", chunk),
                                fmt::format("it has the number {}", hit.number));
    }
    SALVAGE_TRY(check_hit(hit));
    const auto text = with_check(fmt::format("salvage-hit={}\njob={}\nchunk={}\n{}{}", hit_version, folder.digest,
                                             chunk, writer_lines(writer), hit_line(hit)));
    const auto name = hit_name(hit);
    if (SALVAGE_TRY(put_first(ChunkPaths{folder}.hits(), name, as_bytes(text), writer.token))) {
        return {};
    }
    const auto standing = SALVAGE_TRY(read_hit_file(folder, name));
    return standing ? Result<>{} : replace_damaged(folder, name, as_bytes(text), writer.token);
}

Result<std::vector<ChunkHit>> read_hits(const ChunkFolder& folder, std::optional<ChunkRange> within)
{
    std::vector<NamedHit> named;
    for (auto& name : SALVAGE_TRY(names_in(ChunkPaths{folder}.hits()))) {
        auto hit = parse_hit_name(std::move(name));
        const auto is_within = [&](std::uint64_t number) {
            return !within || (number >= within->begin && number - within->begin < within->length);
        };
        if (hit && is_within(hit->number)) {
            named.push_back(std::move(*hit));
        }
    }
    std::ranges::sort(named, {}, &NamedHit::number);
    // Word lists with rules give a candidate often, and each time it is a hit: one a target is read.
    std::set<std::string> open;
    std::ranges::transform(folder.job.targets, std::inserter(open, open.end()), target_digits);
    std::vector<ChunkHit> out;
    for (const auto& each : named) {
        if (!open.contains(each.target)) {
            continue;
        }
        if (auto hit = SALVAGE_TRY(read_hit_file(folder, each.name))) {
            open.erase(each.target);
            out.push_back(std::move(*hit));
        }
    }
    return out;
}

bool are_all_hit(const ChunkJob& job, const std::vector<ChunkHit>& hits)
{
    return std::ranges::all_of(job.targets, [&](const std::string& target) {
        return std::ranges::find(hits, target, &ChunkHit::target) != hits.end();
    });
}

} // namespace salvage::rescue
