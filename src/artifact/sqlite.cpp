#include "salvage/artifact/sqlite.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "artifact/sqlite_state.hpp"
#include "artifact/table_reader.hpp"
#include "salvage/core/text.hpp"

namespace salvage::artifact {

Result<Database> Database::open(DatabaseFiles files, std::stop_token stop)
{
    if (files.database == nullptr) {
        return invalid_argument("there is no database to open");
    }
    auto state = std::make_unique<State>(std::move(files), std::move(stop));
    SALVAGE_TRY(state->connect());
    return Database{std::move(state)};
}

Database::Database(std::unique_ptr<State> state) noexcept : state_{std::move(state)} {}
Database::Database(Database&& other) noexcept = default;
Database& Database::operator=(Database&& other) noexcept = default;
Database::~Database() = default;

const std::vector<Table>& Database::tables() const noexcept
{
    return state_->tables();
}

const Table* Database::find_table(std::string_view name) const noexcept
{
    return state_->find(name);
}

std::int64_t Database::user_version() const noexcept
{
    return state_->version();
}

Result<std::uint64_t> Database::count(std::string_view table)
{
    const auto* const found = SALVAGE_TRY(state_->require(table));
    const auto statement =
        SALVAGE_TRY(state_->prepare(fmt::format("SELECT count(*) FROM {} NOT INDEXED", sql_name(found->name))));
    if (sqlite3_step(statement.get()) != SQLITE_ROW) {
        return state_->error(fmt::format("the rows of table {} cannot be counted", printable(table)));
    }
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, sqlite3_column_int64(statement.get(), 0)));
}

Result<RowsRead> Database::read(std::string_view table, std::span<const std::string_view> columns,
                                const std::function<Result<>(const Row&)>& visit, RowWindow window)
{
    const auto* const found = SALVAGE_TRY(state_->require(table));
    return TableReader{*state_, *found, columns, visit, window}.run();
}

Result<std::optional<Row>> Database::find_row(std::string_view table, std::span<const std::string_view> columns,
                                              std::int64_t rowid)
{
    const auto* const found = SALVAGE_TRY(state_->require(table));
    auto* const statement = SALVAGE_TRY(state_->row_statement(*found, columns));
    if (statement == nullptr) {
        return std::optional<Row>{};
    }
    sqlite3_bind_int64(statement, 1, rowid);
    auto row = state_->step(statement, columns.size(), *found);
    sqlite3_reset(statement);
    return row;
}

std::optional<ByteOffset> Database::place_of(std::string_view table, std::int64_t rowid) const
{
    return state_->place_of(table, rowid);
}

bool Table::has(std::string_view column) const noexcept
{
    return std::ranges::any_of(columns, [&](const Column& known) { return is_same_name(known.name, column); });
}

bool is_database(ByteView first_bytes) noexcept
{
    constexpr std::string_view magic{"SQLite format 3\0", 16};
    return first_bytes.size() >= magic.size() && as_text(first_bytes.first(magic.size())) == magic;
}

} // namespace salvage::artifact
