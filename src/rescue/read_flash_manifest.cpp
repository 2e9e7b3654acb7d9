// The manifest of a readback, its hash lists and sums.
#include "rescue/read_flash_manifest.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "rescue/out_folder.hpp"
#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr std::string_view schema = "salvage.readback/1";
// A few hundred bytes a region; bad areas are bounded by what the map may hold.
constexpr ByteCount max_manifest{64ULL << 20U};

fs::path with(const fs::path& path, std::string_view ending)
{
    auto out = path;
    out += ending;
    return out;
}

Json ranges_json(const std::vector<ByteRange>& ranges)
{
    auto out = Json::array();
    for (const auto& range : ranges) {
        out.push_back({{"start", range.start().value}, {"size", range.size().value}});
    }
    return out;
}

bool is_incomplete(const Json& manifest)
{
    const auto found = manifest.find("complete");
    return found != manifest.end() && found->is_boolean() && !found->get<bool>();
}

Json number_or_null(std::uint64_t number)
{
    return number == 0 ? Json(nullptr) : Json(number);
}

Json to_json(const device::StorageInfo& storage)
{
    auto regions = Json::array();
    for (const auto& region : storage.regions) {
        regions.push_back({{"region", region.name}, {"size", region.size.value}});
    }
    return {{"kind", device::to_string(storage.kind)},
            {"cid", storage.cid.empty() ? Json(nullptr) : Json(to_hex(storage.cid))},
            {"block", number_or_null(storage.block.value)},
            {"page", number_or_null(storage.page.value)},
            {"regions", regions}};
}

} // namespace

fs::path ReadManifest::path() const
{
    return with(out_, ".readback.json");
}

fs::path ReadManifest::sums_path() const
{
    return with(out_, ".sha256");
}

Result<ReadManifest> ReadManifest::open(const fs::path& out)
{
    ReadManifest manifest{out};
    std::error_code ignored;
    if (!fs::exists(manifest.path(), ignored)) {
        manifest.json_ = Json::object();
        return manifest;
    }
    const auto file = SALVAGE_TRY(io::open_file(manifest.path()));
    const auto bytes = SALVAGE_TRY(io::read_all(*file, max_manifest));
    auto known = parse_object(as_text(bytes));
    const auto regions = known ? known->find("regions") : Json::iterator{};
    if (!known || get_text(*known, "schema") != schema || !get_text(*known, "identity") || regions == known->end() ||
        !regions->is_object()) {
        return Error{ErrorCode::malformed,
                     fmt::format("{} is not the manifest of a readback", manifest.path().string()),
                     fmt::format("it is not in the form {}", schema),
                     std::nullopt,
                     "name another file",
                     {}};
    }
    manifest.json_ = *std::move(known);
    manifest.is_known_ = true;
    return manifest;
}

Result<> ReadManifest::check_identity(const std::string& identity) const
{
    const auto known = is_known_ ? get_text(json_, "identity").value_or(std::string{}) : identity;
    if (known == identity) {
        return {};
    }
    return Error{ErrorCode::already_exists,
                 fmt::format("{} holds the readback of another device", out_.string()),
                 fmt::format("it is of '{}', this is '{}'", printable(known), printable(identity)),
                 std::nullopt,
                 "name another file with -o",
                 {}};
}

Result<> ReadManifest::begin(const DeviceLink& link, const RunContext& context)
{
    if (!is_known_) {
        json_["schema"] = schema;
        put_text(json_, "identity", link.identity());
        json_["storage"] = to_json(link.storage());
        json_["started"] = context.clock->wall_time().count();
        json_["regions"] = Json::object();
    }
    if (std::exchange(is_known_, true) && is_incomplete(json_)) {
        return {}; // an earlier run wrote just this
    }
    json_["complete"] = false;
    const auto text = json_.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    return io::write_file_atomically(path(), as_bytes(text), io::Existing::replace);
}

void ReadManifest::note(const ReadRegionReport& region)
{
    Json out;
    put_text(out, "file", region.file.filename().string());
    put_text(out, "map", region.map.filename().string());
    put_text(out, "hashes", region.hashes.filename().string());
    out["size"] = region.size.value;
    out["finished"] = region.present.value;
    out["sha256"] = region.is_whole() ? Json(region.sha256) : Json(nullptr);
    out["stored_sha256"] = region.sha256;
    out["lost"] = ranges_json(region.lost);
    out["verified"] = region.verified.value;
    json_["regions"][region.region] = std::move(out);
}

Result<> ReadManifest::save(const RunContext& context)
{
    std::string sums;
    auto is_complete = true;
    for (const auto& [name, region] : json_["regions"].items()) {
        const auto file = region.is_object() ? get_text(region, "file") : std::nullopt;
        const auto sum = region.is_object() ? get_text(region, "stored_sha256") : std::nullopt;
        if (!file || !sum) {
            continue;
        }
        sums += sums_line(*sum, *file);
        is_complete = is_complete && get_text(region, "sha256").has_value();
    }
    json_["complete"] = is_complete;
    json_["ended"] = context.clock->wall_time().count();
    SALVAGE_TRY(io::write_file_atomically(sums_path(), as_bytes(sums), io::Existing::replace));
    const auto text = json_.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    return io::write_file_atomically(path(), as_bytes(text), io::Existing::replace);
}

fs::path region_path(const fs::path& out, std::string_view region, std::string_view main_region)
{
    return region == main_region ? out : with(out, fmt::format(".{}", region));
}

Result<fs::path> write_block_hashes(const fs::path& file, const io::RescueMap& map, const FileHashes& hashes)
{
    auto text = fmt::format("# SHA-256 of each MiB of {}: offset, size, hash; '-' where bytes of it were not read\n",
                            printable(file.filename().string()));
    for (std::size_t number = 0; number < hashes.blocks.size(); ++number) {
        const ByteOffset at{number * std::uint64_t{hash_block_bytes}};
        const ByteOffset end{std::min(at.value + hash_block_bytes, map.size().value)};
        const auto range = ByteRange::between(at, end);
        text += fmt::format("{:#014x}  {:#08x}  {}\n", at.value, range.size().value,
                            map.is_finished(range) ? to_hex(hashes.blocks[number]) : std::string{"-"});
    }
    auto path = with(file, ".hashes");
    SALVAGE_TRY(io::write_file_atomically(path, as_bytes(text), io::Existing::replace));
    return path;
}

} // namespace salvage::rescue
