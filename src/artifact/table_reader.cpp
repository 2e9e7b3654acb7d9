#include "artifact/table_reader.hpp"

#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::artifact {
namespace {

// More rows than this that cannot be read, one by one: the rest is given up.
constexpr std::uint64_t max_damaged_rows = 10'000;

} // namespace

TableReader::TableReader(Database::State& state, const Table& table, std::span<const std::string_view> columns,
                         const std::function<Result<>(const Row&)>& visit, RowWindow window)
    : state_{&state}, table_{&table}, columns_{columns.size()}, select_{state.selection(table, columns)},
      rowid_{state.rowid_name(table)}, visit_{&visit}, window_{window}
{
}

Result<RowsRead> TableReader::run()
{
    if (rowid_.empty()) {
        SALVAGE_TRY(read_without_rowid());
        return std::move(read_);
    }
    while (true) {
        const bool is_through = SALVAGE_TRY(pass(Direction::rising));
        if (is_through || is_cut_short() || !SALVAGE_TRY(pass_over_row())) {
            break;
        }
    }
    return std::move(read_);
}

Result<> TableReader::take(const Row& row)
{
    ++seen_;
    if (seen_ <= window_.first) {
        return {};
    }
    ++read_.rows;
    return (*visit_)(row);
}

Error TableReader::out_of_order() const
{
    return malformed(ByteOffset{0}, fmt::format("table {}: its rows do not stand in order", printable(table_->name)),
                     "its pages lead in a circle or are not its own");
}

Result<> TableReader::note(Error error)
{
    if (error.code == ErrorCode::cancelled) {
        return error;
    }
    if (!read_.problem) {
        read_.problem = std::move(error);
    }
    return {};
}

Result<> TableReader::read_without_rowid()
{
    auto statement = state_->prepare(select_);
    if (!statement.has_value()) {
        read_.is_cut = true;
        return note(std::move(statement).error());
    }
    while (!is_cut_short()) {
        auto row = state_->step(statement->get(), columns_, *table_);
        if (!row.has_value()) {
            read_.is_cut = true;
            return note(std::move(row).error());
        }
        if (!row->has_value()) {
            break;
        }
        if (seen_ > state_->bytes()) { // without rowids nothing tells a circle but its length
            read_.is_cut = true;
            return note(out_of_order());
        }
        (*row)->rowid = std::nullopt;
        SALVAGE_TRY(take(**row));
    }
    return {};
}

std::string TableReader::sql(Direction direction) const
{
    std::string out = select_;
    if (last_) {
        out += fmt::format(" WHERE {} > ?1", rowid_);
    }
    return out + fmt::format(" ORDER BY {}{}", rowid_, direction == Direction::falling ? " DESC" : "");
}

/// Reads rows behind the last one.  False: the pass met damage.
Result<bool> TableReader::pass(Direction direction)
{
    auto statement = state_->prepare(sql(direction));
    if (!statement.has_value()) {
        SALVAGE_TRY(note(std::move(statement).error()));
        return false;
    }
    if (last_) {
        sqlite3_bind_int64(statement->get(), 1, *last_);
    }
    std::optional<std::int64_t> before;
    while (!is_cut_short()) {
        auto row = state_->step(statement->get(), columns_, *table_);
        if (!row.has_value()) {
            SALVAGE_TRY(note(std::move(row).error()));
            return false;
        }
        if (!row->has_value()) {
            return true;
        }
        const auto rowid = (*row)->rowid.value_or(0);
        if (is_out_of_order(direction, before, rowid)) {
            SALVAGE_TRY(note(out_of_order()));
            return false;
        }
        before = rowid;
        if (direction == Direction::rising) {
            last_ = rowid;
        }
        SALVAGE_TRY(take(**row));
    }
    return true;
}

bool TableReader::is_out_of_order(Direction direction, std::optional<std::int64_t> before,
                                  std::int64_t rowid) const noexcept
{
    if (last_ && rowid <= *last_) {
        return true;
    }
    return before && (direction == Direction::rising ? rowid <= *before : rowid >= *before);
}

/// Steps over the row that could not be read; where it cannot even be found, reads the rest from the other end.
/// False: that was all.
Result<bool> TableReader::pass_over_row()
{
    const auto next = SALVAGE_TRY(next_rowid());
    if (next && read_.damaged < max_damaged_rows) {
        ++read_.damaged;
        last_ = next;
        return true;
    }
    read_.is_cut = true;
    SALVAGE_TRY(pass(Direction::falling));
    return false;
}

/// The rowid behind the last one; nothing where it cannot be read.
Result<std::optional<std::int64_t>> TableReader::next_rowid()
{
    auto statement = state_->prepare(fmt::format("SELECT {0} FROM {1} NOT INDEXED{2} ORDER BY {0} LIMIT 1", rowid_,
                                                 sql_name(table_->name),
                                                 last_ ? fmt::format(" WHERE {} > ?1", rowid_) : std::string{}));
    if (!statement.has_value()) {
        SALVAGE_TRY(note(std::move(statement).error()));
        return std::optional<std::int64_t>{};
    }
    if (last_) {
        sqlite3_bind_int64(statement->get(), 1, *last_);
    }
    auto row = state_->step(statement->get(), 0, *table_);
    if (!row.has_value()) {
        SALVAGE_TRY(note(std::move(row).error()));
        return std::optional<std::int64_t>{};
    }
    const auto rowid = row->has_value() ? (*row)->rowid : std::nullopt;
    return rowid && last_ && *rowid <= *last_ ? std::optional<std::int64_t>{} : rowid;
}

} // namespace salvage::artifact
