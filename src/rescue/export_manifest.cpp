// The lines of an export's manifest.
#include "rescue/export_manifest.hpp"

#include <fstream>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "rescue/out_folder.hpp"
#include "salvage/core/bytes.hpp"

namespace salvage::rescue {

using Json = nlohmann::ordered_json;

Json nanoseconds_json(const filesystem::Timestamp& time)
{
    constexpr std::int64_t second = 1'000'000'000;
    // ext4's seconds end in 2446; signed 64-bit nanoseconds end in 2262, unsigned ones in 2554.
    if (time.seconds >= 0) {
        const auto whole = checked_multiply<std::uint64_t>(static_cast<std::uint64_t>(time.seconds), second);
        const auto sum = whole ? checked_add<std::uint64_t>(*whole, time.nanoseconds) : std::nullopt;
        return sum ? Json(*sum) : Json(nullptr);
    }
    const bool fits = time.seconds > std::numeric_limits<std::int64_t>::min() / second;
    return fits ? Json((time.seconds * second) + std::int64_t{time.nanoseconds}) : Json(nullptr);
}

Json to_json(const ManifestEntry& entry)
{
    Json out;
    put_text(out, "path", entry.path);
    out["type"] = filesystem::to_string(entry.entry.type);
    out["size"] = entry.entry.size.value;
    out["mode"] = entry.entry.mode;
    out["uid"] = entry.entry.uid;
    out["gid"] = entry.entry.gid;
    out["mtime"] = nanoseconds_json(entry.entry.modified);
    out["target"] = nullptr;
    if (entry.entry.type == filesystem::EntryType::symlink) {
        put_text(out, "target", entry.target);
    }
    out["deleted"] = entry.entry.deleted.has_value();
    out["lost_bytes"] = entry.lost.value;
    const auto has_hash = !entry.stored_sha256.empty() && entry.lost.value == 0;
    out["sha256"] = has_hash ? Json(entry.stored_sha256) : Json(nullptr);
    out["stored"] = nullptr;
    if (entry.stored) {
        put_text(out, "stored", *entry.stored);
    }
    out["inode"] = entry.entry.inode;
    out["atime"] = nanoseconds_json(entry.entry.accessed);
    out["ctime"] = nanoseconds_json(entry.entry.changed);
    if (entry.entry.created) {
        out["btime"] = nanoseconds_json(*entry.entry.created);
    }
    if (entry.entry.device != 0) {
        out["device"] = {entry.entry.device >> 32U, entry.entry.device & 0xFFFF'FFFFU};
    }
    if (!entry.stored_sha256.empty() && entry.lost.value > 0) {
        out["stored_sha256"] = entry.stored_sha256;
    }
    if (!entry.link_of.empty()) {
        put_text(out, "link_of", entry.link_of);
    }
    if (entry.entry.deleted) {
        out["confidence"] = filesystem::to_string(*entry.entry.deleted);
    }
    if (entry.entry.is_encrypted) {
        out["encrypted"] = true;
    }
    if (!entry.problem.empty()) {
        put_text(out, "problem", entry.problem);
    }
    for (const auto& [name, value] : entry.attributes) {
        out["xattrs"][std::string{name}] = to_hex(value);
    }
    return out;
}

namespace {
std::optional<FinishedFile> finished_from(const Json& line)
{
    auto stored = get_text(line, "stored");
    auto sum = get_text(line, "stored_sha256");
    if (!sum) {
        sum = get_text(line, "sha256");
    }
    const auto size = get_number(line, "size");
    const auto lost = get_number(line, "lost_bytes");
    const auto mtime = line.find("mtime");
    if (get_text(line, "type") != filesystem::to_string(filesystem::EntryType::file) || !stored || !sum || !size ||
        !lost || mtime == line.end()) {
        return std::nullopt;
    }
    return FinishedFile{.stored = *std::move(stored),
                        .size = *size,
                        .mtime = mtime->dump(-1, ' ', false, Json::error_handler_t::replace),
                        .lost = ByteCount{*lost},
                        .stored_sha256 = *std::move(sum)};
}
} // namespace

void FinishedFiles::load(const std::filesystem::path& path)
{
    std::ifstream file{path, std::ios::binary};
    std::string line;
    while (std::getline(file, line)) {
        const auto json = parse_object(line);
        const auto name = json ? get_text(*json, "path") : std::nullopt;
        const auto inode = json ? get_number(*json, "inode") : std::nullopt;
        auto finished = json ? finished_from(*json) : std::nullopt;
        if (name && inode && finished) {
            files_.insert_or_assign(key_of(*name, *inode), *std::move(finished));
        }
    }
}

const FinishedFile* FinishedFiles::find(const std::string& path, const filesystem::Entry& entry) const
{
    const auto found = files_.find(key_of(path, entry.inode));
    if (found == files_.end() || found->second.size != entry.size.value ||
        found->second.mtime != nanoseconds_json(entry.modified).dump()) {
        return nullptr;
    }
    return &found->second;
}

std::string FinishedFiles::key_of(const std::string& path, std::uint64_t inode)
{
    return fmt::format("{}/{}", inode, path);
}

} // namespace salvage::rescue
