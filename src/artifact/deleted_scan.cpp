#include "artifact/deleted_scan.hpp"

#include <algorithm>
#include <array>
#include <ranges>
#include <utility>

namespace salvage::artifact {
namespace {

// What a freeblock's own numbers take: where the next is, and its length.
constexpr std::size_t lost_bytes = 4;
// Rows whose rowid takes more bytes than that are not looked for where it is lost: 2^35 is more than any phone counts.
constexpr std::size_t most_rowid_bytes = 5;
// As SQLite is told to bound a value: src/artifact/sqlite_state.cpp.
constexpr std::uint64_t most_payload = 64U << 20U;

// So many types of a row are not the same by chance.
constexpr std::size_t fields_that_tell = 6;

bool is_type_of(std::uint64_t serial, const TableShape::Field& field) noexcept
{
    constexpr std::uint64_t real = 7;
    constexpr std::uint64_t first_text = 13;
    const bool is_text = serial >= first_text && serial % 2 == 1;
    if (field.is_rowid) {
        return serial == 0;
    }
    if (serial == 0) {
        return !field.is_required;
    }
    switch (field.affinity) {
    case Affinity::integer: return serial < 10 && serial != real;
    case Affinity::text: return is_text;
    case Affinity::real: return serial < 10;
    case Affinity::numeric: return serial < 10 || is_text;
    case Affinity::blob: break;
    }
    return true;
}

bool are_types_of(std::span<const std::uint64_t> serials, std::span<const TableShape::Field> fields) noexcept
{
    return std::ranges::equal(serials, fields.first(std::min(serials.size(), fields.size())), is_type_of);
}

/// Columns that were added later are not in rows that were written before; but a row has most.
bool may_be_older(std::size_t fields, std::size_t of) noexcept
{
    return fields >= 4 && fields < of && 2 * fields >= of;
}

} // namespace

Affinity affinity_of(std::string_view declared_type) noexcept
{
    constexpr auto upper = [](char letter) {
        return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
    };
    const auto has = [&](std::string_view word) {
        return !std::ranges::search(declared_type, word, {}, upper).empty();
    };
    if (has("INT")) {
        return Affinity::integer;
    }
    if (has("CHAR") || has("CLOB") || has("TEXT")) {
        return Affinity::text;
    }
    if (declared_type.empty() || has("BLOB")) {
        return Affinity::blob;
    }
    return has("REAL") || has("FLOA") || has("DOUB") ? Affinity::real : Affinity::numeric;
}

AreaScanner::AreaScanner(const DatabasePages& pages, std::vector<TableShape> shapes, std::uint64_t work)
    : pages_{&pages}, shapes_{std::move(shapes)}, work_{work}
{
    for (const auto& shape : shapes_) {
        most_fields_ = std::max(most_fields_, shape.fields.size());
    }
}

void AreaScanner::scan(const ScanArea& area, const std::function<void(RecoveredRow)>& give)
{
    std::vector<Hit> hits;
    for (auto at = area.begin; at + lost_bytes < area.end && !is_spent();) {
        spend(1);
        auto hit = whole_at(area, at);
        if (!hit) {
            hit = lost_start_at(area, at);
        }
        if (hit) {
            at = std::max(at + 1, std::min(hit->body_at, area.end));
            hits.push_back(*std::move(hit));
        } else {
            ++at;
        }
    }
    // From the last one on, for what was written into another row cuts it.
    auto next_start = area.end;
    std::vector<RecoveredRow> rows;
    for (auto& hit : std::views::reverse(hits)) {
        hit.limit = std::min(hit.limit, next_start);
        if (auto row = decode(area, hit)) {
            next_start = hit.start;
            if (hit.shape->is_wanted) {
                rows.push_back(*std::move(row));
            }
        }
    }
    for (auto& row : std::views::reverse(rows)) {
        give(std::move(row));
    }
}

const TableShape* AreaScanner::shape_of(std::span<const std::uint64_t> serials, std::uint32_t root)
{
    const TableShape* best = nullptr;
    int best_rank = 0;
    for (const auto& shape : shapes_) {
        const bool is_exact = serials.size() == shape.fields.size();
        if (!is_exact && !may_be_older(serials.size(), shape.fields.size())) {
            continue;
        }
        spend(serials.size());
        const int rank = 1 + (is_exact ? 1 : 0) + (shape.root == root ? 2 : 0);
        if (rank > best_rank && are_types_of(serials, shape.fields)) {
            best = &shape;
            best_rank = rank;
        }
    }
    return best;
}

std::optional<AreaScanner::Hit> AreaScanner::whole_at(const ScanArea& area, std::size_t at)
{
    const auto view = area.page.first(area.end);
    const auto payload = cell_number(view, at);
    if (!payload || payload->value < 3 || payload->value > most_payload) {
        return std::nullopt;
    }
    const auto rowid = cell_number(view, at + payload->length);
    if (!rowid || static_cast<std::int64_t>(rowid->value) < 1) {
        return std::nullopt;
    }
    const auto head_at = at + payload->length + rowid->length;
    const auto head = record_head(view, head_at, area.end, serials_);
    spend(serials_.size());
    if (!head || head->bytes + head->body != payload->value) {
        return std::nullopt;
    }
    const auto* const shape = shape_of(serials_, area.root);
    return shape == nullptr ? std::nullopt
                            : std::optional{Hit{.shape = shape,
                                                .start = at,
                                                .payload_at = head_at,
                                                .body_at = head_at + static_cast<std::size_t>(head->bytes),
                                                .payload = payload->value,
                                                .body = head->body,
                                                .limit = area.end,
                                                .rowid = static_cast<std::int64_t>(rowid->value),
                                                .serials = serials_}};
}

std::optional<AreaScanner::Freeblock> AreaScanner::freeblock_at(const ScanArea& area, std::size_t at) noexcept
{
    if (at + lost_bytes > area.end) {
        return std::nullopt;
    }
    const std::size_t next = load_be<std::uint16_t>(area.page.subspan(at));
    const std::size_t bytes = load_be<std::uint16_t>(area.page.subspan(at + 2));
    const bool is_block = bytes > lost_bytes && at + bytes <= area.page.size() &&
                          (next == 0 || (next >= at + bytes && next + lost_bytes <= area.page.size()));
    return is_block ? std::optional{Freeblock{.bytes = bytes}} : std::nullopt;
}

std::optional<AreaScanner::Hit> AreaScanner::lost_start_at(const ScanArea& area, std::size_t at)
{
    const auto block = freeblock_at(area, at);
    if (!block) {
        return std::nullopt;
    }
    const auto limit = std::min(area.end, at + block->bytes);
    auto hit = with_length(area, at, limit);
    for (std::size_t lost_fields = 0; lost_fields < 2 && !hit; ++lost_fields) {
        hit = without_length(area, at, limit, lost_fields);
    }
    // Zeros before a whole row, and its length, pass for a freeblock.
    for (auto next = at + 1; hit && next < hit->payload_at; ++next) {
        auto whole = whole_at(area, next);
        if (whole && whole->body_at == hit->body_at) {
            return whole;
        }
    }
    return hit;
}

/// The header's length is there: the cell's own and its rowid took four bytes or more.
std::optional<AreaScanner::Hit> AreaScanner::with_length(const ScanArea& area, std::size_t at, std::size_t limit)
{
    constexpr auto goes_on = std::byte{0x80};
    for (auto head_at = at + lost_bytes; head_at < std::min(limit, at + lost_bytes + most_rowid_bytes); ++head_at) {
        // What is left of the rowid is its end: all but the last byte say that it goes on.
        if (head_at > at + lost_bytes) {
            const bool is_last = (area.page[head_at - 1] & goes_on) == std::byte{0};
            const bool was_last = head_at > at + lost_bytes + 1 && (area.page[head_at - 2] & goes_on) == std::byte{0};
            if (was_last) {
                return std::nullopt;
            }
            if (!is_last) {
                continue;
            }
        }
        const auto head = record_head(area.page, head_at, limit, serials_);
        spend(serials_.size());
        if (!head || head->bytes + head->body > most_payload) {
            continue;
        }
        const auto payload = head->bytes + head->body;
        const auto length_bytes = cell_number_bytes(payload);
        const auto before = head_at - at;
        const auto* const shape = before > length_bytes && before - length_bytes <= most_rowid_bytes
                                      ? shape_of(serials_, area.root)
                                      : nullptr;
        if (shape != nullptr) {
            return Hit{.shape = shape,
                       .start = at,
                       .payload_at = head_at,
                       .body_at = head_at + static_cast<std::size_t>(head->bytes),
                       .payload = payload,
                       .body = head->body,
                       .limit = limit,
                       .serials = serials_};
        }
    }
    return std::nullopt;
}

std::vector<std::size_t> AreaScanner::serials_at(ByteView view, std::size_t at)
{
    std::vector<std::size_t> ends;
    serials_.clear();
    while (serials_.size() < most_fields_) {
        const auto serial = cell_number(view, at);
        if (!serial || !serial_bytes(serial->value)) {
            break;
        }
        at += serial->length;
        serials_.push_back(serial->value);
        ends.push_back(at);
    }
    spend(serials_.size());
    return ends;
}

/// The header's length is lost, and maybe the first serial type, which then is a rowid's: null.  How many follow, the
/// table says; and the block's length must fit.
std::optional<AreaScanner::Hit> AreaScanner::without_length(const ScanArea& area, std::size_t at, std::size_t limit,
                                                            std::size_t lost_fields)
{
    const auto ends = serials_at(area.page.first(limit), at + lost_bytes);
    const Hit* best = nullptr;
    std::optional<Hit> out;
    for (const auto& shape : shapes_) {
        const auto wanted = shape.fields.size() - std::min(lost_fields, shape.fields.size());
        if (wanted < 2 || wanted > serials_.size() || (lost_fields > 0 && !shape.fields[0].is_rowid) ||
            (best != nullptr && shape.root != area.root)) {
            continue;
        }
        spend(wanted);
        const auto serials = std::span{serials_}.first(wanted);
        if (!are_types_of(serials, std::span{shape.fields}.subspan(lost_fields))) {
            continue;
        }
        std::uint64_t body = 0;
        for (const auto serial : serials) {
            body += std::min(serial_bytes(serial).value_or(0), most_payload);
        }
        // Before the serial types that are left: length, rowid, the header's length and the lost types, a byte each but
        // where one took two.
        const auto head_bytes = ends[wanted - 1] - (at + lost_bytes) + 1 + lost_fields;
        const auto payload = body + head_bytes;
        const auto spare = lost_bytes - lost_fields - 1; // for the length and the rowid
        const auto length_bytes = cell_number_bytes(payload);
        const auto end = at + spare + payload;
        // What is left of a block whose end was given to a new row tells no length; many types that fit do.
        const bool is_end_gone = end > limit && area.place == RowPlace::freeblock && at == area.begin &&
                                 wanted >= fields_that_tell && ends[wanted - 1] < limit;
        const bool is_all =
            end <= limit && (limit - end < lost_bytes || is_followed(area, static_cast<std::size_t>(end), limit));
        const bool fits = head_bytes < 128 && length_bytes < spare && (is_all || is_end_gone) &&
                          !local_part(payload, pages_->usable_bytes(), true).has_overflow;
        if (fits) {
            out = Hit{.shape = &shape,
                      .start = at,
                      .payload_at = at + spare,
                      .body_at = ends[wanted - 1],
                      .payload = payload,
                      .body = body,
                      .limit = limit,
                      .first_field = lost_fields,
                      .serials = {serials.begin(), serials.end()}};
            best = &*out;
        }
    }
    return out;
}

/// Whether another row or freeblock begins there, as where several were deleted side by side.
bool AreaScanner::is_followed(const ScanArea& area, std::size_t at, std::size_t limit)
{
    if (freeblock_at(area, at)) {
        return true;
    }
    auto kept = std::exchange(serials_, {});
    const bool out = whole_at(area, at).has_value() && at < limit;
    serials_ = std::move(kept);
    return out;
}

} // namespace salvage::artifact
