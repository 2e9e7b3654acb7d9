// What the bytes of a found row say.
#include <algorithm>
#include <utility>

#include "artifact/deleted_scan.hpp"

namespace salvage::artifact {
namespace {

// Serial types below have their own meaning; from here on they tell a length.
constexpr std::uint64_t first_blob_or_text = 12;

/// Without the character that the end cuts.
void end_with_character(std::string& text)
{
    constexpr int most_tail = 3;
    for (int i = 0; i < most_tail && !is_written_text(text) && !text.empty(); ++i) {
        text.pop_back();
    }
}

/// Whether a value is there that is not null and not empty.
bool is_telling(std::uint64_t serial, ValueState state) noexcept
{
    const bool is_empty = serial == 0 || serial == first_blob_or_text || serial == first_blob_or_text + 1;
    return state == ValueState::whole && !is_empty;
}

} // namespace

bool AreaScanner::follow(std::uint32_t page_number, std::uint64_t wanted, Bytes& into)
{
    const auto room = pages_->usable_bytes() - 4;
    for (auto number = page_number; number > 0 && number <= pages_->count() && !is_spent();) {
        const auto use = pages_->use_of(number);
        if (use != PageUse::free_leaf && use != PageUse::none) {
            return false;
        }
        spend(pages_->page_bytes());
        const auto page = pages_->read(pages_->current(number));
        if (!page) {
            return false;
        }
        const auto rest = ByteView{*page}.subspan(4, static_cast<std::size_t>(std::min<std::uint64_t>(room, wanted)));
        into.insert(into.end(), rest.begin(), rest.end());
        wanted -= rest.size();
        number = load_be<std::uint32_t>(*page);
        if (wanted == 0) {
            return number == 0;
        }
    }
    return false;
}

bool AreaScanner::decode_value(const Hit& hit, std::size_t index, ByteView there, std::uint64_t size, RecoveredRow& row)
{
    const auto serial = hit.serials[index];
    const auto field = hit.first_field + index;
    if (hit.shape->fields[field].is_rowid) {
        row.states[field] = hit.rowid ? ValueState::whole : ValueState::lost;
        row.values[field] = hit.rowid ? Value{*hit.rowid} : Value{};
        return true;
    }
    const bool is_all = there.size() == size;
    if (!is_all && (there.empty() || serial < first_blob_or_text)) {
        return true; // lost
    }
    spend(there.size());
    auto value = stored_value(serial, there, pages_->encoding());
    if (!value) {
        return false;
    }
    if (auto* const text = std::get_if<std::string>(&*value)) {
        if (!is_all) {
            end_with_character(*text);
        }
        if (!is_written_text(*text)) {
            return false;
        }
    }
    row.values[field] = *std::move(value);
    row.states[field] = is_all ? ValueState::whole : ValueState::part;
    return true;
}

std::optional<RecoveredRow> AreaScanner::decode(const ScanArea& area, const Hit& hit)
{
    const auto local = local_part(hit.payload, pages_->usable_bytes(), true);
    const auto local_end = hit.payload_at + static_cast<std::size_t>(local.bytes);
    const auto there_end = std::clamp(std::min(local_end, hit.limit), std::min(hit.body_at, area.end), area.end);
    Bytes joined;
    auto body = area.page.subspan(std::min(hit.body_at, there_end), there_end - std::min(hit.body_at, there_end));
    bool is_chained = false;
    if (local.has_overflow && local_end + 4 <= hit.limit && hit.body_at <= local_end &&
        hit.payload <= pages_->bytes()) {
        joined.assign(body.begin(), body.end());
        is_chained = follow(load_be<std::uint32_t>(area.page.subspan(local_end)), hit.body - body.size(), joined);
        body = joined;
    }
    const auto count = hit.shape->fields.size();
    RecoveredRow row{.table = hit.shape->name,
                     .rowid = hit.rowid,
                     .values = std::vector<Value>(count),
                     .states = std::vector<ValueState>(count, ValueState::lost),
                     .page = area.image.page,
                     .byte = area.image.byte + hit.start,
                     .is_in_wal = area.image.is_in_wal,
                     .place = area.place};
    std::uint64_t at = 0;
    std::size_t known = 0;
    bool is_cut = local.has_overflow && !is_chained;
    for (std::size_t i = 0; i < hit.serials.size(); ++i) {
        const auto size = serial_bytes(hit.serials[i]).value_or(0);
        const auto first = std::min<std::uint64_t>(at, body.size());
        const auto there = body.subspan(static_cast<std::size_t>(first),
                                        static_cast<std::size_t>(std::min(size, body.size() - first)));
        if (!decode_value(hit, i, there, size, row)) {
            return std::nullopt;
        }
        const auto field = hit.first_field + i;
        is_cut = is_cut || there.size() < size;
        known += is_telling(hit.serials[i], row.states[field]) ? 1U : 0U;
        at += size;
    }
    row.confidence = is_cut       ? RowConfidence::cut
                     : is_chained ? RowConfidence::chained
                     : !hit.rowid ? RowConfidence::start_lost
                                  : RowConfidence::whole;
    // One value alone may be chance where no length and rowid bear it out.
    const std::size_t least = is_cut || !hit.rowid ? 2 : 1;
    return known >= least ? std::optional{std::move(row)} : std::nullopt;
}

} // namespace salvage::artifact
