// SQLite over hostile files.  What is switched off follows "Defense Against The Dark Arts", sqlite.org/security.html.
#include "salvage/artifact/sqlite.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "artifact/row_places.hpp"
#include "artifact/sqlite_files.hpp"
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
// More rows than this that cannot be read, one by one: the rest is given up.
constexpr std::uint64_t max_damaged_rows = 10'000;

struct CloseDatabase {
    void operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }
};
struct FinalizeStatement {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using DatabasePtr = std::unique_ptr<sqlite3, CloseDatabase>;
using StatementPtr = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

/// An identifier as it stands in SQL.
std::string quoted(std::string_view name)
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

char lower(char letter) noexcept
{
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}
bool is_same_name(std::string_view left, std::string_view right) noexcept
{
    return std::ranges::equal(left, right, {}, lower, lower);
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

enum class Direction : bool { rising, falling };

} // namespace

struct Database::State {
    State(DatabaseFiles files, std::stop_token token)
        : stop{std::move(token)},
          bytes{files.database->size().value + (files.wal == nullptr ? 0 : files.wal->size().value)},
          has_wal{files.wal != nullptr}, machine{std::move(files)}
    {
    }

    std::stop_token stop;
    std::uint64_t bytes;
    bool has_wal;
    SqliteFiles machine; ///< outlives the connection
    DatabasePtr connection;
    std::uint64_t steps{0};
    std::vector<Table> tables;
    std::map<std::string, std::string, std::less<>> rowid_names; ///< of a table; empty: it has none
    std::map<std::string, StatementPtr, std::less<>> kept;       ///< of find_row, by SQL
    std::map<std::string, std::int64_t, std::less<>> roots;      ///< first page of a table
    std::int64_t version{0};

    /// What SQLite's last answer means.
    Error error(std::string_view what)
    {
        const auto code = sqlite3_errcode(connection.get());
        auto cause = machine.take_problem();
        if (stop.stop_requested() && code == SQLITE_INTERRUPT) {
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
        return malformed(ByteOffset{0}, what, printable(sqlite3_errmsg(connection.get())));
    }

    static int ask(void* self)
    {
        auto& state = *static_cast<State*>(self);
        state.steps += steps_between_questions;
        return state.stop.stop_requested() || state.steps > steps_at_least + steps_a_byte * state.bytes ? 1 : 0;
    }

    Result<> connect();
    Result<> harden();
    Result<> execute(const char* sql);
    Result<StatementPtr> prepare(const std::string& sql);
    Result<> read_tables();
    Result<Table> read_table(std::string name);
    const Table* find(std::string_view name) const noexcept;
    Result<const Table*> require(std::string_view name) const;
    const std::string& rowid_name(const Table& table);
    std::string selection(const Table& table, std::span<const std::string_view> columns);
    Result<std::optional<Row>> step(sqlite3_stmt* statement, std::size_t columns, const Table& table);
};

/// One pass over a table, with what has to be remembered to go on after damage.
class TableReader {
public:
    TableReader(Database::State& state, const Table& table, std::span<const std::string_view> columns,
                const std::function<Result<>(const Row&)>& visit, RowWindow window)
        : state_{&state}, table_{&table}, columns_{columns.size()}, select_{state.selection(table, columns)},
          rowid_{state.rowid_name(table)}, visit_{&visit}, window_{window}
    {
    }

    Result<RowsRead> run()
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

private:
    [[nodiscard]] bool is_cut_short() const noexcept { return window_.most && read_.rows >= *window_.most; }

    Result<> take(const Row& row)
    {
        ++seen_;
        if (seen_ <= window_.first) {
            return {};
        }
        ++read_.rows;
        return (*visit_)(row);
    }

    [[nodiscard]] Error out_of_order() const
    {
        return malformed(ByteOffset{0},
                         fmt::format("table {}: its rows do not stand in order", printable(table_->name)),
                         "its pages lead in a circle or are not its own");
    }

    Result<> note(Error error)
    {
        if (error.code == ErrorCode::cancelled) {
            return error;
        }
        if (!read_.problem) {
            read_.problem = std::move(error);
        }
        return {};
    }

    Result<> read_without_rowid()
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
            if (seen_ > state_->bytes) { // without rowids nothing tells a circle but its length
                read_.is_cut = true;
                return note(out_of_order());
            }
            (*row)->rowid = std::nullopt;
            SALVAGE_TRY(take(**row));
        }
        return {};
    }

    [[nodiscard]] std::string sql(Direction direction) const
    {
        std::string out = select_;
        if (last_) {
            out += fmt::format(" WHERE {} > ?1", rowid_);
        }
        return out + fmt::format(" ORDER BY {}{}", rowid_, direction == Direction::falling ? " DESC" : "");
    }

    /// Reads rows behind the last one.  False: the pass met damage.
    Result<bool> pass(Direction direction)
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

    [[nodiscard]] bool is_out_of_order(Direction direction, std::optional<std::int64_t> before,
                                       std::int64_t rowid) const noexcept
    {
        if (last_ && rowid <= *last_) {
            return true;
        }
        return before && (direction == Direction::rising ? rowid <= *before : rowid >= *before);
    }

    /// Steps over the row that could not be read; where it cannot even be found, reads the rest from the other end.
    /// False: that was all.
    Result<bool> pass_over_row()
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
    Result<std::optional<std::int64_t>> next_rowid()
    {
        auto statement = state_->prepare(fmt::format("SELECT {0} FROM {1} NOT INDEXED{2} ORDER BY {0} LIMIT 1", rowid_,
                                                     quoted(table_->name),
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

    Database::State* state_;
    const Table* table_;
    std::size_t columns_;
    std::string select_;
    std::string rowid_;
    const std::function<Result<>(const Row&)>* visit_;
    RowWindow window_;
    std::optional<std::int64_t> last_; ///< all rows up to this one are done
    std::uint64_t seen_{0};
    RowsRead read_;
};

Result<> Database::State::connect()
{
    SALVAGE_TRY(machine.register_vfs());
    sqlite3* raw = nullptr;
    const auto code =
        sqlite3_open_v2(SqliteFiles::database_name, &raw,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, machine.vfs_name());
    connection.reset(raw);
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
    auto* const raw = connection.get();
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
    steps = 0;
    return sqlite3_exec(connection.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK
               ? Result<>{}
               : Result<>{error("the database cannot be opened")};
}

Result<StatementPtr> Database::State::prepare(const std::string& sql)
{
    steps = 0;
    sqlite3_stmt* raw = nullptr;
    const auto code = sqlite3_prepare_v2(connection.get(), sql.c_str(), static_cast<int>(sql.size()), &raw, nullptr);
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
                roots[name] = sqlite3_column_int64(statement.get(), 1);
                names.push_back(std::move(name));
            }
        }
        if (code != SQLITE_DONE && code != SQLITE_ROW) {
            return error("the list of tables cannot be read");
        }
        const auto asked = SALVAGE_TRY(prepare("PRAGMA user_version"));
        if (sqlite3_step(asked.get()) == SQLITE_ROW) {
            version = sqlite3_column_int64(asked.get(), 0);
        }
    }
    std::ranges::sort(names);
    for (auto& name : names) {
        auto table = read_table(std::move(name));
        if (table.has_value()) {
            tables.push_back(*std::move(table));
        } else if (table.error().code == ErrorCode::cancelled) {
            return std::move(table).error();
        }
    }
    sqlite3_set_authorizer(connection.get(), authorize, nullptr);
    return {};
}

Result<Table> Database::State::read_table(std::string name)
{
    const auto statement = SALVAGE_TRY(prepare(fmt::format("PRAGMA table_info({})", quoted(name))));
    Table out{.name = std::move(name), .columns = {}};
    while (sqlite3_step(statement.get()) == SQLITE_ROW) {
        out.columns.push_back({.name = to_text(value_of(statement.get(), 1)).value_or(std::string{}),
                               .type = to_text(value_of(statement.get(), 2)).value_or(std::string{})});
    }
    return out;
}

const Table* Database::State::find(std::string_view name) const noexcept
{
    const auto found = std::ranges::find_if(tables, [&](const Table& table) { return is_same_name(table.name, name); });
    return found == tables.end() ? nullptr : &*found;
}

Result<const Table*> Database::State::require(std::string_view name) const
{
    const auto* const table = find(name);
    if (table == nullptr) {
        return not_found(fmt::format("the database has no table {}", printable(name)));
    }
    return table;
}

/// Any of the names that SQLite has for it, unless a column has taken it.
const std::string& Database::State::rowid_name(const Table& table)
{
    const auto known = rowid_names.find(table.name);
    if (known != rowid_names.end()) {
        return known->second;
    }
    std::string out;
    for (const auto* const name : {"_rowid_", "rowid", "oid"}) {
        if (!table.has(name) && prepare(fmt::format("SELECT {} FROM {}", name, quoted(table.name))).has_value()) {
            out = name;
            break;
        }
    }
    return rowid_names.emplace(table.name, std::move(out)).first->second;
}

std::string Database::State::selection(const Table& table, std::span<const std::string_view> columns)
{
    const auto& rowid = rowid_name(table);
    std::string out = fmt::format("SELECT {}", rowid.empty() ? "NULL" : rowid);
    for (const auto column : columns) {
        out += ", ";
        out += table.has(column) ? quoted(column) : "NULL";
    }
    // An index may be damaged or sorted by rules that only the phone has; the table itself is the truth.
    return out + fmt::format(" FROM {} NOT INDEXED", quoted(table.name));
}

Result<std::optional<Row>> Database::State::step(sqlite3_stmt* statement, std::size_t columns, const Table& table)
{
    if (stop.stop_requested()) {
        return cancelled("reading a database");
    }
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
    }
    return std::optional{std::move(row)};
}

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
    return state_->tables;
}

const Table* Database::find_table(std::string_view name) const noexcept
{
    return state_->find(name);
}

std::int64_t Database::user_version() const noexcept
{
    return state_->version;
}

Result<std::uint64_t> Database::count(std::string_view table)
{
    const auto* const found = SALVAGE_TRY(state_->require(table));
    const auto statement =
        SALVAGE_TRY(state_->prepare(fmt::format("SELECT count(*) FROM {} NOT INDEXED", quoted(found->name))));
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
    const auto& name = state_->rowid_name(*found);
    if (name.empty()) {
        return std::optional<Row>{};
    }
    auto sql = fmt::format("{} WHERE {} = ?1", state_->selection(*found, columns), name);
    auto kept = state_->kept.find(sql);
    if (kept == state_->kept.end()) {
        auto statement = SALVAGE_TRY(state_->prepare(sql));
        kept = state_->kept.emplace(std::move(sql), std::move(statement)).first;
    }
    state_->steps = 0;
    auto* const statement = kept->second.get();
    sqlite3_bind_int64(statement, 1, rowid);
    auto row = state_->step(statement, columns.size(), *found);
    sqlite3_reset(statement);
    return row;
}

bool Table::has(std::string_view column) const noexcept
{
    return std::ranges::any_of(columns, [&](const Column& known) { return is_same_name(known.name, column); });
}

std::optional<std::int64_t> to_integer(const Value& value)
{
    if (const auto* const number = std::get_if<std::int64_t>(&value)) {
        return *number;
    }
    if (const auto* const real = std::get_if<double>(&value)) {
        constexpr double bound = 9.0e18;
        return std::abs(*real) < bound ? std::optional{static_cast<std::int64_t>(*real)} : std::nullopt;
    }
    if (const auto* const text = std::get_if<std::string>(&value)) {
        std::int64_t out = 0;
        const auto digits = trimmed(*text);
        const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
        return problem == std::errc{} && end == digits.data() + digits.size() ? std::optional{out} : std::nullopt;
    }
    return std::nullopt;
}

std::optional<double> to_real(const Value& value)
{
    if (const auto* const number = std::get_if<std::int64_t>(&value)) {
        return static_cast<double>(*number);
    }
    if (const auto* const real = std::get_if<double>(&value)) {
        return *real;
    }
    if (const auto* const text = std::get_if<std::string>(&value)) {
        double out = 0;
        const auto digits = trimmed(*text);
        const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
        return problem == std::errc{} && end == digits.data() + digits.size() ? std::optional{out} : std::nullopt;
    }
    return std::nullopt;
}

std::optional<std::string> to_text(const Value& value)
{
    if (const auto* const text = std::get_if<std::string>(&value)) {
        return *text;
    }
    if (const auto* const number = std::get_if<std::int64_t>(&value)) {
        return std::to_string(*number);
    }
    if (const auto* const real = std::get_if<double>(&value)) {
        return fmt::format("{}", *real);
    }
    return std::nullopt;
}

std::optional<ByteOffset> Database::place_of(std::string_view table, std::int64_t rowid) const
{
    const auto* const found = state_->find(table);
    const auto root = found == nullptr ? state_->roots.end() : state_->roots.find(found->name);
    auto* const file = state_->machine.slot(SqliteFiles::database_name);
    if (root == state_->roots.end() || state_->has_wal || !file->has_value() || (*file)->is_changed()) {
        return std::nullopt;
    }
    const auto& source = *(*file)->source();
    const auto at = find_row_place(source, root->second, rowid);
    const auto where = at ? source.locate(*at) : Location{};
    return where.chain.empty() ? std::nullopt : std::optional{where.chain.front().at};
}

bool is_database(ByteView first_bytes) noexcept
{
    constexpr std::string_view magic{"SQLite format 3\0", 16};
    return first_bytes.size() >= magic.size() && as_text(first_bytes.first(magic.size())) == magic;
}

} // namespace salvage::artifact
