// SQLite over hostile files.  What is switched off follows "Defense Against The Dark Arts", sqlite.org/security.html.
#include "artifact/sqlite_state.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/run_context.hpp"
#include "salvage/core/text.hpp"

namespace salvage::artifact {
namespace {

// A photo of a contact has less than 1 MiB, a text of any messenger less than 64 KiB.
constexpr int max_value_bytes = 64 << 20;
// A phone's database has tens of tables.
constexpr std::size_t max_tables = 4096;
// SQLite asks whether to go on after so many steps of its machine.
constexpr int steps_between_questions = 20'000;
// Steps that a query may take: some for every byte, for a row has a few bytes at least; made up loops take more.
constexpr std::uint64_t steps_at_least = 20'000'000;
constexpr std::uint64_t steps_a_byte = 32;
// Texts and blobs that are given out: each byte of the file a few times.  A thousand rows may share one text of 60 MiB,
// where somebody made them do so.
constexpr std::uint64_t given_at_least = 256ULL << 20U;
constexpr std::uint64_t given_a_byte = 8;

char lower(char letter) noexcept
{
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}
/// Only plain reading; no function but count(*).
int authorize(void* /*unused*/, int action, const char* /*first*/, const char* second, const char* /*database*/,
              const char* /*trigger*/)
{
    if (action == SQLITE_SELECT || action == SQLITE_READ) {
        return SQLITE_OK;
    }
    return action == SQLITE_FUNCTION && second != nullptr && is_same_name(second, "count") ? SQLITE_OK : SQLITE_DENY;
}

Value value_of(sqlite3_stmt* statement, int column)
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER: return std::int64_t{sqlite3_column_int64(statement, column)};
    case SQLITE_FLOAT: return sqlite3_column_double(statement, column);
    case SQLITE_TEXT: {
        const auto* const text = sqlite3_column_text(statement, column);
        const auto count = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
        return text == nullptr ? Value{} : Value{std::string{text, text + count}};
    }
    case SQLITE_BLOB: {
        const auto* const bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement, column));
        const auto count = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
        return bytes == nullptr ? Value{Bytes{}} : Value{Bytes(bytes, bytes + count)};
    }
    default: return {};
    }
}

std::uint64_t bytes_of(const Value& value) noexcept
{
    if (const auto* const text = std::get_if<std::string>(&value)) {
        return text->size();
    }
    const auto* const blob = std::get_if<Bytes>(&value);
    return blob == nullptr ? 0 : blob->size();
}

} // namespace

std::string sql_name(std::string_view name)
{
    std::string out{'"'};
    for (const auto letter : name) {
        out += letter;
        if (letter == '"') {
            out += letter;
        }
    }
    return out + '"';
}

bool is_same_name(std::string_view left, std::string_view right) noexcept
{
    return std::ranges::equal(left, right, {}, lower, lower);
}

Database::State::State(DatabaseFiles files, std::stop_token token)
    : stop_{std::move(token)},
      bytes_{files.database->size().value + (files.wal == nullptr ? 0 : files.wal->size().value)},
      has_wal_{files.wal != nullptr && files.wal->size() > ByteCount{0}}, machine_{std::move(files)}
{
}

Error Database::State::error(std::string_view what)
{
    const auto code = sqlite3_errcode(connection_.get());
    auto cause = machine_.take_problem();
    if (stop_.stop_requested() && code == SQLITE_INTERRUPT) {
        return cancelled("reading a database");
    }
    if (cause) {
        return std::move(*cause).in(what);
    }
    if (code == SQLITE_INTERRUPT) {
        return malformed(ByteOffset{0}, what, "it takes more steps than a database of its size can need");
    }
    if (code == SQLITE_NOTADB) {
        return malformed(ByteOffset{0}, what, "it is no SQLite database, or an encrypted one");
    }
    if (code == SQLITE_TOOBIG) {
        return unsupported(what, "a value has more than 64 MiB");
    }
    return malformed(ByteOffset{0}, what, printable(sqlite3_errmsg(connection_.get())));
}

int Database::State::ask(void* self)
{
    auto& state = *static_cast<State*>(self);
    state.steps_ += steps_between_questions;
    return state.stop_.stop_requested() || state.steps_ > steps_at_least + steps_a_byte * state.bytes_ ? 1 : 0;
}

Result<> Database::State::connect()
{
    SALVAGE_TRY(machine_.register_vfs());
    sqlite3* raw = nullptr;
    const auto code =
        sqlite3_open_v2(SqliteFiles::database_name, &raw,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, machine_.vfs_name());
    connection_.reset(raw);
    if (raw == nullptr) {
        return Error{.code = ErrorCode::internal,
                     .what = "SQLite found no memory",
                     .why = {},
                     .where = {},
                     .hint = {},
                     .trail = {}};
    }
    if (code != SQLITE_OK) {
        return error("the database cannot be opened");
    }
    SALVAGE_TRY(harden());
    return read_tables();
}

Result<> Database::State::harden()
{
    auto* const raw = connection_.get();
    constexpr std::array switches{std::pair{SQLITE_DBCONFIG_DEFENSIVE, 1},
                                  std::pair{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                                  std::pair{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
                                  std::pair{SQLITE_DBCONFIG_ENABLE_VIEW, 0},
                                  std::pair{SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1},
                                  std::pair{SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
                                  std::pair{SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0}};
    for (const auto& [option, value] : switches) {
        sqlite3_db_config(raw, option, value, nullptr);
    }
    constexpr std::array limits{std::pair{SQLITE_LIMIT_LENGTH, max_value_bytes},
                                std::pair{SQLITE_LIMIT_SQL_LENGTH, 1 << 20}, std::pair{SQLITE_LIMIT_ATTACHED, 0},
                                std::pair{SQLITE_LIMIT_TRIGGER_DEPTH, 1}, std::pair{SQLITE_LIMIT_WORKER_THREADS, 0}};
    for (const auto& [limit, value] : limits) {
        sqlite3_limit(raw, limit, value);
    }
    sqlite3_progress_handler(raw, steps_between_questions, &State::ask, this);
    // The lock comes before the first look into the file: without it a WAL wants memory that is shared with others.
    return execute(
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-8192; PRAGMA mmap_size=0; "
        "PRAGMA cell_size_check=ON; PRAGMA query_only=ON");
}

Result<> Database::State::execute(const char* sql)
{
    steps_ = 0;
    return sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK
               ? Result<>{}
               : Result<>{error("the database cannot be opened")};
}

Result<StatementPtr> Database::State::prepare(const std::string& sql)
{
    steps_ = 0;
    sqlite3_stmt* raw = nullptr;
    const auto code = sqlite3_prepare_v2(connection_.get(), sql.c_str(), static_cast<int>(sql.size()), &raw, nullptr);
    StatementPtr out{raw};
    if (code != SQLITE_OK || raw == nullptr) {
        return error("the database cannot be asked");
    }
    return out;
}

Result<> Database::State::read_tables()
{
    std::vector<std::string> names;
    {
        const auto statement =
            SALVAGE_TRY(prepare("SELECT name, rootpage FROM sqlite_master WHERE type='table' AND rootpage>0"));
        int code = sqlite3_step(statement.get());
        for (; code == SQLITE_ROW && names.size() < max_tables; code = sqlite3_step(statement.get())) {
            auto name = to_text(value_of(statement.get(), 0)).value_or(std::string{});
            if (!name.empty() && !name.starts_with("sqlite_")) {
                roots_[name] = sqlite3_column_int64(statement.get(), 1);
                names.push_back(std::move(name));
            }
        }
        if (code != SQLITE_DONE && code != SQLITE_ROW) {
            return error("the list of tables cannot be read");
        }
        const auto asked = SALVAGE_TRY(prepare("PRAGMA user_version"));
        if (sqlite3_step(asked.get()) == SQLITE_ROW) {
            version_ = sqlite3_column_int64(asked.get(), 0);
        }
    }
    std::ranges::sort(names);
    for (auto& name : names) {
        auto table = read_table(std::move(name));
        if (table.has_value()) {
            tables_.push_back(*std::move(table));
        } else if (table.error().code == ErrorCode::cancelled) {
            return std::move(table).error();
        }
    }
    sqlite3_set_authorizer(connection_.get(), authorize, nullptr);
    return {};
}

Result<Table> Database::State::read_table(std::string name)
{
    const auto statement = SALVAGE_TRY(prepare(fmt::format("PRAGMA table_info({})", sql_name(name))));
    Table out{.name = std::move(name), .columns = {}};
    std::vector<std::size_t> keys;
    while (sqlite3_step(statement.get()) == SQLITE_ROW) {
        if (sqlite3_column_int(statement.get(), 5) > 0) {
            keys.push_back(out.columns.size());
        }
        out.columns.push_back({.name = to_text(value_of(statement.get(), 1)).value_or(std::string{}),
                               .type = to_text(value_of(statement.get(), 2)).value_or(std::string{}),
                               .is_rowid = false,
                               .is_required = sqlite3_column_int(statement.get(), 3) != 0});
    }
    if (keys.size() == 1) {
        auto& key = out.columns[keys.front()];
        key.is_rowid = is_same_name(key.type, "INTEGER");
    }
    return out;
}

const Table* Database::State::find(std::string_view name) const noexcept
{
    const auto found =
        std::ranges::find_if(tables_, [&](const Table& table) { return is_same_name(table.name, name); });
    return found == tables_.end() ? nullptr : &*found;
}

Result<const Table*> Database::State::require(std::string_view name) const
{
    const auto* const table = find(name);
    if (table == nullptr) {
        return not_found(fmt::format("the database has no table {}", printable(name)));
    }
    return table;
}

const std::string& Database::State::rowid_name(const Table& table)
{
    const auto known = rowid_names_.find(table.name);
    if (known != rowid_names_.end()) {
        return known->second;
    }
    std::string out;
    for (const auto* const name : {"_rowid_", "rowid", "oid"}) {
        if (!table.has(name) && prepare(fmt::format("SELECT {} FROM {}", name, sql_name(table.name))).has_value()) {
            out = name;
            break;
        }
    }
    return rowid_names_.emplace(table.name, std::move(out)).first->second;
}

std::string Database::State::selection(const Table& table, std::span<const std::string_view> columns)
{
    const auto& rowid = rowid_name(table);
    std::string out = fmt::format("SELECT {}", rowid.empty() ? "NULL" : rowid);
    for (const auto column : columns) {
        out += ", ";
        out += table.has(column) ? sql_name(column) : "NULL";
    }
    // An index may be damaged or sorted by rules that only the phone has; the table itself is the truth.
    return out + fmt::format(" FROM {} NOT INDEXED", sql_name(table.name));
}

Result<sqlite3_stmt*> Database::State::row_statement(const Table& table, std::span<const std::string_view> columns)
{
    const auto known = std::ranges::find_if(row_statements_, [&](const RowStatement& one) {
        return one.table == table.name && std::ranges::equal(one.columns, columns);
    });
    if (known != row_statements_.end()) {
        return known->statement.get();
    }
    const auto& rowid = rowid_name(table);
    if (rowid.empty()) {
        return nullptr;
    }
    auto statement = SALVAGE_TRY(prepare(fmt::format("{} WHERE {} = ?1", selection(table, columns), rowid)));
    row_statements_.push_back(
        {.table = table.name, .columns = {columns.begin(), columns.end()}, .statement = std::move(statement)});
    return row_statements_.back().statement.get();
}

Result<> Database::State::check_given(const Table& table) const
{
    if (given_ > given_at_least + given_a_byte * bytes_) {
        return unsupported(fmt::format("a part of table {} is not read", printable(table.name)),
                           "the database gives more text than one of its size can hold");
    }
    return {};
}

Result<std::optional<Row>> Database::State::step(sqlite3_stmt* statement, std::size_t columns, const Table& table)
{
    if (stop_.stop_requested()) {
        return cancelled("reading a database");
    }
    SALVAGE_TRY(check_given(table));
    const auto code = sqlite3_step(statement);
    if (code == SQLITE_DONE) {
        return std::optional<Row>{};
    }
    if (code != SQLITE_ROW) {
        return error(fmt::format("a part of table {} cannot be read", printable(table.name)));
    }
    Row row{.rowid = sqlite3_column_int64(statement, 0), .values = {}};
    row.values.reserve(columns);
    for (std::size_t i = 0; i < columns; ++i) {
        row.values.push_back(value_of(statement, static_cast<int>(i + 1)));
        given_ += bytes_of(row.values.back());
    }
    return std::optional{std::move(row)};
}

std::optional<ByteOffset> Database::State::place_of(std::string_view table, std::int64_t rowid)
{
    const auto* const found = find(table);
    const auto root = found == nullptr ? roots_.end() : roots_.find(found->name);
    const auto* const file = machine_.slot(SqliteFiles::database_name);
    if (root == roots_.end() || has_wal_ || !file->has_value() || (*file)->is_changed()) {
        return std::nullopt;
    }
    const auto& source = (*file)->source();
    if (!places_) {
        places_.emplace(source);
    }
    const auto at = places_->find(root->second, rowid);
    const auto where = at ? source->locate(*at) : Location{};
    return where.chain.empty() ? std::nullopt : std::optional{where.chain.front().at};
}

} // namespace salvage::artifact
