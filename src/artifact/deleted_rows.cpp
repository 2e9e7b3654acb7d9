#include "artifact/deleted_rows.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <set>
#include <unordered_map>
#include <utility>

#include "artifact/deleted_pages.hpp"
#include "artifact/deleted_scan.hpp"
#include "salvage/core/run_context.hpp"

namespace salvage::artifact {
namespace {

// A plain file takes a few steps a byte; more is work that was made up.
constexpr std::uint64_t work_a_byte = 64;
constexpr std::uint64_t work_at_least = 16U << 20U;
// What a row costs in memory beside its texts.
constexpr std::size_t row_overhead = 160;

std::size_t bytes_kept(const RecoveredRow& row)
{
    auto out = sizeof(RecoveredRow) + row_overhead + row.table.size() +
               row.values.size() * (sizeof(Value) + sizeof(ValueState));
    for (const auto& value : row.values) {
        if (const auto* const text = std::get_if<std::string>(&value)) {
            out += text->size();
        } else if (const auto* const blob = std::get_if<Bytes>(&value)) {
            out += blob->size();
        }
    }
    return out;
}

/// Finds the areas of every page and has them looked through.
class PageRounds {
public:
    PageRounds(const DatabasePages& pages, AreaScanner& scanner, std::function<void(RecoveredRow)> give,
               const std::stop_token& stop)
        : pages_{&pages}, scanner_{&scanner}, give_{std::move(give)}, stop_{&stop}
    {
    }

    Result<> run()
    {
        for (std::uint32_t number = 1; number <= pages_->count(); ++number) {
            SALVAGE_TRY(page(pages_->current(number), std::nullopt));
        }
        for (const auto& image : pages_->old_images()) {
            SALVAGE_TRY(page(image, RowPlace::older_state));
        }
        return {};
    }
    [[nodiscard]] std::uint64_t unreadable() const noexcept { return unreadable_; }

private:
    static constexpr std::size_t first_page_head = 100;

    Result<> page(const PageImage& image, std::optional<RowPlace> known_place)
    {
        if (stop_->stop_requested()) {
            return cancelled("looking for deleted rows");
        }
        const bool is_known = image.page >= 1 && image.page <= pages_->count();
        const auto use = is_known ? pages_->use_of(image.page) : PageUse::none;
        if (scanner_->is_spent() || (!known_place && (use == PageUse::overflow || use == PageUse::reserved))) {
            return {};
        }
        const auto bytes = pages_->read(image);
        if (!bytes) {
            ++unreadable_;
            return {};
        }
        const std::size_t head = image.page == 1 ? first_page_head : 0;
        ScanArea area{.page = ByteView{*bytes}.first(pages_->usable_bytes()),
                      .begin = head,
                      .end = pages_->usable_bytes(),
                      .image = image,
                      .place = known_place.value_or(use == PageUse::none ? RowPlace::lost_page : RowPlace::free_page),
                      .root = is_known ? pages_->root_of(image.page) : 0};
        if (!known_place && use == PageUse::tree) {
            used_page(area, head);
            return {};
        }
        if (!known_place && use == PageUse::free_trunk) {
            const std::size_t leaves = load_be<std::uint32_t>(area.page.subspan(4));
            area.begin = std::min(area.end, 8 + 4 * std::min(leaves, area.end / 4));
        }
        scanner_->scan(area, give_);
        return {};
    }

    /// The gap between a page's list of cells and the first cell, and its freeblocks.
    void used_page(ScanArea area, std::size_t head)
    {
        const auto kind = std::to_integer<std::uint8_t>(area.page[head]);
        const auto number_at = [&](std::size_t at) -> std::size_t {
            return load_be<std::uint16_t>(area.page.subspan(at));
        };
        const std::size_t list = head + (kind == 0x02 || kind == 0x05 ? 12U : 8U);
        const auto content = number_at(head + 5) == 0 ? area.page.size() : number_at(head + 5);
        area.place = RowPlace::gap;
        area.begin = std::min(area.page.size(), list + 2 * number_at(head + 3));
        area.end = std::min(area.page.size(), content);
        if (area.begin < area.end) {
            scanner_->scan(area, give_);
        }
        area.place = RowPlace::freeblock;
        // They stand in rising order, so nothing goes round in circles.
        for (auto at = number_at(head + 1), last = head; at > last && at + 4 <= area.page.size();) {
            area.begin = at;
            area.end = std::min(area.page.size(), at + std::max<std::size_t>(4, number_at(at + 2)));
            scanner_->scan(area, give_);
            last = area.end - 1;
            at = number_at(at);
        }
    }

    const DatabasePages* pages_;
    AreaScanner* scanner_;
    std::function<void(RecoveredRow)> give_;
    const std::stop_token* stop_;
    std::uint64_t unreadable_{0};
};

// ---- what is no deleted row: what the database still has, and what was found before

std::uint64_t mixed(std::uint64_t hash, std::uint64_t more) noexcept
{
    constexpr std::uint64_t prime = 0x9E37'79B9'7F4A'7C15U;
    return std::rotl((hash ^ more) * prime, 29);
}

/// The same for a whole number and for a real one that is as large: how a number is stored says nothing.
std::uint64_t hash_of(const Value& value)
{
    if (const auto* const text = std::get_if<std::string>(&value)) {
        return std::hash<std::string_view>{}(*text);
    }
    if (const auto* const blob = std::get_if<Bytes>(&value)) {
        return std::hash<std::string_view>{}(as_text(*blob)) + 1;
    }
    if (const auto whole_number = std::get_if<std::int64_t>(&value)) {
        return std::hash<double>{}(static_cast<double>(*whole_number)) + 2;
    }
    const auto* const real = std::get_if<double>(&value);
    return real == nullptr ? 3 : std::hash<double>{}(*real) + 2;
}

bool is_same_value(const Value& left, const Value& right)
{
    if (left == right) {
        return true;
    }
    const bool are_numbers = (left.index() == 1 || left.index() == 2) && (right.index() == 1 || right.index() == 2);
    return are_numbers && left.index() != right.index() && to_real(left) == to_real(right);
}

bool is_begin_of(const Value& begin, const Value& all)
{
    if (const auto* const text = std::get_if<std::string>(&begin)) {
        const auto* const other = std::get_if<std::string>(&all);
        return other != nullptr && other->starts_with(*text);
    }
    const auto* const blob = std::get_if<Bytes>(&begin);
    const auto* const other = std::get_if<Bytes>(&all);
    return blob != nullptr && other != nullptr && as_text(*other).starts_with(as_text(*blob));
}

/// The rows of one table that were found, by the values that they begin with: as many as are whole.
class Sieve {
public:
    Sieve(std::vector<RecoveredRow>& rows, const TableShape& shape, std::uint64_t& work)
        : rows_{&rows}, shape_{&shape}, work_{&work}
    {
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (rows[i].table == shape.name) {
                add(i);
            }
        }
    }

    [[nodiscard]] bool is_empty() const noexcept { return order_.empty(); }

    /// A row that is there now.
    void drop_live(const Row& row)
    {
        drop(row.values, row.rowid, shape_->fields.size(), 0, nullptr);
        const auto [first, last] = by_rowid_.equal_range(row.rowid.value_or(0));
        for (auto found = first; found != last && row.rowid; ++found) {
            (*rows_)[found->second].is_replaced = true;
        }
    }

    /// What was found twice; the best is kept.
    void drop_twins()
    {
        std::ranges::sort(order_, {}, [&](std::size_t index) {
            return std::pair{(*rows_)[index].confidence, index};
        });
        std::vector<std::size_t> rank(rows_->size());
        for (std::size_t i = 0; i < order_.size(); ++i) {
            rank[order_[i]] = i;
        }
        for (std::size_t i = 0; i < order_.size(); ++i) {
            const auto& row = (*rows_)[order_[i]];
            if (!is_dropped(order_[i])) {
                drop(row.values, row.rowid, known_fields(row), i + 1, &rank);
            }
        }
    }

    [[nodiscard]] bool is_dropped(std::size_t index) const { return dropped_.contains(index); }

private:
    void add(std::size_t index)
    {
        const auto& row = (*rows_)[index];
        const auto length = known_fields(row);
        std::uint64_t hash = 0;
        for (std::size_t i = 0; i < length; ++i) {
            hash = with_field(hash, i, row.values[i]);
        }
        lengths_.insert(length);
        by_begin_.emplace(mixed(hash, length), index);
        order_.push_back(index);
        if (row.rowid) {
            by_rowid_.emplace(*row.rowid, index);
        }
    }

    /// Leading fields of which the values are known, or that are the rowid.
    [[nodiscard]] std::size_t known_fields(const RecoveredRow& row) const
    {
        std::size_t out = 0;
        while (out < row.states.size() && (row.states[out] == ValueState::whole || shape_->fields[out].is_rowid)) {
            ++out;
        }
        return out;
    }
    [[nodiscard]] std::uint64_t with_field(std::uint64_t hash, std::size_t field, const Value& value) const
    {
        return shape_->fields[field].is_rowid ? hash : mixed(hash, hash_of(value));
    }

    /// Drops what says nothing that these values do not: of those from `first_rank` on.
    void drop(std::span<const Value> values, std::optional<std::int64_t> rowid, std::size_t known,
              std::size_t first_rank, const std::vector<std::size_t>* rank)
    {
        std::uint64_t hash = 0;
        std::size_t done = 0;
        for (const auto length : lengths_) {
            if (length > known) {
                break;
            }
            for (; done < length; ++done) {
                hash = with_field(hash, done, values[done]);
            }
            const auto [first, last] = by_begin_.equal_range(mixed(hash, length));
            for (auto found = first; found != last && *work_ > 0; ++found) {
                --*work_;
                const auto index = found->second;
                if ((rank == nullptr || (*rank)[index] >= first_rank) && !dropped_.contains(index) &&
                    is_covered((*rows_)[index], values, rowid, known)) {
                    dropped_.insert(index);
                }
            }
        }
    }

    [[nodiscard]] bool is_covered(const RecoveredRow& row, std::span<const Value> values,
                                  std::optional<std::int64_t> rowid, std::size_t known) const
    {
        if (row.rowid && rowid && *row.rowid != *rowid) {
            return false;
        }
        for (std::size_t i = 0; i < row.values.size(); ++i) {
            const bool is_same = row.states[i] == ValueState::lost || shape_->fields[i].is_rowid ||
                                 (i < known && (row.states[i] == ValueState::part
                                                    ? is_begin_of(row.values[i], values[i])
                                                    : is_same_value(row.values[i], values[i])));
            if (!is_same) {
                return false;
            }
        }
        return true;
    }

    std::vector<RecoveredRow>* rows_;
    const TableShape* shape_;
    std::uint64_t* work_;
    std::set<std::size_t> lengths_;
    std::unordered_multimap<std::uint64_t, std::size_t> by_begin_;
    std::unordered_multimap<std::int64_t, std::size_t> by_rowid_;
    std::vector<std::size_t> order_;
    std::set<std::size_t> dropped_;
};

std::vector<TableShape> shapes_of(const Database& database, const DatabasePages& pages,
                                  std::span<const std::string_view> tables)
{
    std::vector<TableShape> out;
    for (const auto& [root, name_of_table] : pages.tables()) {
        const auto* const table = database.find_table(name_of_table);
        if (table == nullptr || table->columns.empty()) {
            continue;
        }
        TableShape shape{.name = table->name,
                         .root = root,
                         .is_wanted = std::ranges::any_of(
                             tables, [&](std::string_view wanted) { return database.find_table(wanted) == table; }),
                         .fields = {}};
        shape.fields.reserve(table->columns.size());
        for (const auto& column : table->columns) {
            shape.fields.push_back({.affinity = affinity_of(column.type),
                                    .is_rowid = column.is_rowid,
                                    .is_required = column.is_required});
        }
        out.push_back(std::move(shape));
    }
    return out;
}

/// Errors: cancelled; malformed, unreadable (the table cannot be read: nobody knows what is deleted of it).
Result<> sift(Database& database, const TableShape& shape, std::vector<RecoveredRow>& rows, std::uint64_t& work)
{
    Sieve sieve{rows, shape, work};
    if (sieve.is_empty()) {
        return {};
    }
    std::vector<std::string_view> asked;
    const auto* const table = database.find_table(shape.name);
    asked.reserve(table->columns.size());
    for (const auto& column : table->columns) {
        asked.push_back(column.name);
    }
    SALVAGE_TRY(database.read(shape.name, asked, [&](const Row& row) -> Result<> {
        sieve.drop_live(row);
        return {};
    }));
    sieve.drop_twins();
    std::size_t kept = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (!sieve.is_dropped(i)) {
            if (kept != i) {
                rows[kept] = std::move(rows[i]);
            }
            ++kept;
        }
    }
    rows.resize(kept);
    return {};
}

} // namespace

std::string_view to_string(RowConfidence confidence) noexcept
{
    constexpr std::array<std::string_view, 4> words{"whole", "chained", "start lost", "cut"};
    return words.at(static_cast<std::size_t>(confidence));
}

std::string_view to_string(RowPlace place) noexcept
{
    constexpr std::array<std::string_view, 5> words{"freeblock", "gap", "free page", "page of no table",
                                                    "older state"};
    return words.at(static_cast<std::size_t>(place));
}

Result<RecoveredRows> read_deleted_rows(Database& database, const DatabaseFiles& files,
                                        std::span<const std::string_view> tables, std::size_t most_bytes,
                                        const std::stop_token& stop)
{
    const auto pages = SALVAGE_TRY(DatabasePages::open(files, stop));
    const auto shapes = shapes_of(database, pages, tables);
    auto work = work_at_least + work_a_byte * pages.bytes();
    AreaScanner scanner{pages, shapes, work};
    RecoveredRows out;
    auto room = most_bytes;
    PageRounds rounds{pages, scanner,
                      [&](RecoveredRow row) {
                          const auto bytes = bytes_kept(row);
                          if (bytes > room) {
                              ++out.left_out;
                              return;
                          }
                          room -= bytes;
                          out.rows.push_back(std::move(row));
                      },
                      stop};
    SALVAGE_TRY(rounds.run());
    for (const auto& shape : shapes) {
        if (shape.is_wanted) {
            SALVAGE_TRY(sift(database, shape, out.rows, work));
        }
    }
    out.unreadable_pages = rounds.unreadable();
    out.is_cut = scanner.is_spent() || work == 0;
    return out;
}

} // namespace salvage::artifact
