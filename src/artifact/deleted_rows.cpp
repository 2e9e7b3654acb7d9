#include "artifact/deleted_rows.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "artifact/deleted_pages.hpp"
#include "artifact/deleted_scan.hpp"
#include "artifact/deleted_sieve.hpp"
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
            shape.fields.push_back(
                {.affinity = affinity_of(column.type), .is_rowid = column.is_rowid, .is_required = column.is_required});
        }
        out.push_back(std::move(shape));
    }
    return out;
}

/// Whether all rows of the table were there to compare with.  Errors: cancelled.
Result<bool> sift(Database& database, const TableShape& shape, std::vector<RecoveredRow>& rows, std::uint64_t& work)
{
    DeletedSieve sieve{rows, shape, work};
    if (sieve.is_empty()) {
        return true;
    }
    std::vector<std::string_view> asked;
    const auto* const table = database.find_table(shape.name);
    asked.reserve(table->columns.size());
    for (const auto& column : table->columns) {
        asked.push_back(column.name);
    }
    const auto live = SALVAGE_TRY(database.read(shape.name, asked, [&](const Row& row) -> Result<> {
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
    return live.damaged == 0 && !live.is_cut;
}

} // namespace

std::string_view to_string(RowConfidence confidence) noexcept
{
    constexpr std::array<std::string_view, 4> words{"whole", "chained", "start lost", "cut"};
    return words.at(static_cast<std::size_t>(confidence));
}

std::string_view to_string(RowPlace place) noexcept
{
    constexpr std::array<std::string_view, 5> words{"freeblock", "gap", "free page", "page of no table", "older state"};
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
            const bool is_known = SALVAGE_TRY(sift(database, shape, out.rows, work));
            out.is_live_unknown = out.is_live_unknown || !is_known;
        }
    }
    out.unreadable_pages = rounds.unreadable() + pages.unreadable_frames();
    out.is_cut = scanner.is_spent() || work == 0;
    return out;
}

} // namespace salvage::artifact
