// The last whole record of a case log.
#include "salvage/rescue/log_head.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "salvage/core/bytes.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::rescue {
namespace {

constexpr ByteCount max_log_size{1ULL << 30U}; // as the log's writer has it

std::optional<LogHead> head_of_line(std::string_view line)
{
    const auto record = nlohmann::json::parse(line, nullptr, false);
    if (!record.is_object() || !record.contains("previous")) {
        return std::nullopt;
    }
    LogHead out;
    out.sha256 = to_hex(crypto::sha256(as_bytes(line)));
    if (const auto time = record.find("time"); time != record.end() && time->is_number_integer()) {
        out.time = std::chrono::seconds{time->get<std::int64_t>()};
    }
    if (const auto event = record.find("event"); event != record.end() && event->is_string()) {
        out.event = event->get<std::string>();
    }
    return out;
}

} // namespace

Result<std::optional<LogHead>> head_of_log(const std::filesystem::path& path)
{
    const auto file = SALVAGE_TRY(io::open_file(path));
    const auto bytes = SALVAGE_TRY(io::read_all(*file, max_log_size));
    auto log = as_text(bytes);
    log = log.substr(0, log.rfind('\n') + 1); // what follows the last newline is torn
    for (auto lines = static_cast<std::uint64_t>(std::ranges::count(log, '\n')); lines > 0; --lines) {
        log.remove_suffix(1);
        const auto start = log.rfind('\n') + 1; // 0 where there is none
        if (auto head = head_of_line(log.substr(start))) {
            head->line = lines;
            return std::optional{std::move(*head)};
        }
        log = log.substr(0, start);
    }
    return std::optional<LogHead>{};
}

} // namespace salvage::rescue
