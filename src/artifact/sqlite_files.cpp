// A VFS in which there is nothing but one database.  A journal may name further files to be deleted (a
// "super-journal"): here there are none.  Spec: sqlite.org/c3ref/vfs.html, c3ref/io_methods.html.
#include "artifact/sqlite_files.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <utility>

#include <fmt/format.h>

#include "salvage/io/views.hpp"

namespace salvage::artifact {
namespace {

constexpr std::uint64_t block_bytes = 4096;
// A transaction that was cut off changed less than this; more is a journal made up to fill memory.
constexpr std::size_t max_blocks = (256U << 20U) / block_bytes;
// Largest file that SQLite is told of: no phone's flash holds more.
constexpr std::uint64_t max_file_bytes = 1ULL << 44U;
constexpr int path_room = 64;
// What SQLite may read of the files: each page some times for each of its rows.  A row whose value leads through all
// pages takes no step of SQLite's machine more than another.
constexpr std::uint64_t read_at_least = 1ULL << 30U;
constexpr std::uint64_t read_a_byte = 128;

/// SQLite allocates this for each open file; the first member has to be its own.
struct OpenFile {
    sqlite3_file base;
    SqliteFiles* files;
    std::optional<LaidOverFile>* slot;
};

OpenFile& open_file(sqlite3_file* file) noexcept
{
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how SQLite's files are extended.
    return *reinterpret_cast<OpenFile*>(file);
}
SqliteFiles& files_of(sqlite3_vfs* vfs) noexcept
{
    return *static_cast<SqliteFiles*>(vfs->pAppData);
}
sqlite3_vfs& machine_vfs() noexcept
{
    return *sqlite3_vfs_find(nullptr);
}

int close_file(sqlite3_file* /*file*/)
{
    return SQLITE_OK;
}

Error too_much_read()
{
    return unsupported("a part of the database is not read",
                       "its rows lead through its pages more often than those of any phone");
}

int read_file(sqlite3_file* file, void* into, int count, sqlite3_int64 at)
{
    auto& open = open_file(file);
    const std::span bytes{static_cast<std::byte*>(into), static_cast<std::size_t>(count)};
    if (!open.slot->has_value()) { // deleted while it was open
        std::ranges::fill(bytes, std::byte{0});
        return SQLITE_IOERR_SHORT_READ;
    }
    const auto start = static_cast<std::uint64_t>(at);
    auto read = open.files->may_read(bytes.size()) ? (*open.slot)->read(start, bytes) : Result<>{too_much_read()};
    if (!read.has_value()) {
        open.files->note(std::move(read).error());
        return SQLITE_IOERR_READ;
    }
    return start + bytes.size() > (*open.slot)->size() ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

int write_file(sqlite3_file* file, const void* from, int count, sqlite3_int64 at)
{
    auto& open = open_file(file);
    if (!open.slot->has_value()) {
        return SQLITE_IOERR_WRITE;
    }
    auto written = (*open.slot)
                       ->write(static_cast<std::uint64_t>(at),
                               {static_cast<const std::byte*>(from), static_cast<std::size_t>(count)});
    if (!written.has_value()) {
        open.files->note(std::move(written).error());
        return SQLITE_FULL;
    }
    return SQLITE_OK;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size)
{
    auto& slot = *open_file(file).slot;
    if (slot.has_value()) {
        slot->truncate(static_cast<std::uint64_t>(size));
    }
    return SQLITE_OK;
}

int sync_file(sqlite3_file* /*file*/, int /*flags*/)
{
    return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size)
{
    const auto& slot = *open_file(file).slot;
    *size = slot.has_value() ? static_cast<sqlite3_int64>(slot->size()) : 0;
    return SQLITE_OK;
}

int lock_file(sqlite3_file* /*file*/, int /*level*/)
{
    return SQLITE_OK;
}

int check_reserved_lock(sqlite3_file* /*file*/, int* is_locked)
{
    *is_locked = 0; // nobody else is there, so a journal that lies there was left behind
    return SQLITE_OK;
}

int file_control(sqlite3_file* /*file*/, int /*operation*/, void* /*argument*/)
{
    return SQLITE_NOTFOUND;
}

int sector_size(sqlite3_file* /*file*/)
{
    return block_bytes;
}

int device_characteristics(sqlite3_file* /*file*/)
{
    return 0;
}

// Version 1: no shared memory.  A WAL is then read by a connection that has the database for itself.
constexpr sqlite3_io_methods file_methods{.iVersion = 1,
                                          .xClose = close_file,
                                          .xRead = read_file,
                                          .xWrite = write_file,
                                          .xTruncate = truncate_file,
                                          .xSync = sync_file,
                                          .xFileSize = file_size,
                                          .xLock = lock_file,
                                          .xUnlock = lock_file,
                                          .xCheckReservedLock = check_reserved_lock,
                                          .xFileControl = file_control,
                                          .xSectorSize = sector_size,
                                          .xDeviceCharacteristics = device_characteristics,
                                          .xShmMap = nullptr,
                                          .xShmLock = nullptr,
                                          .xShmBarrier = nullptr,
                                          .xShmUnmap = nullptr,
                                          .xFetch = nullptr,
                                          .xUnfetch = nullptr};

int vfs_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out)
{
    file->pMethods = nullptr;
    auto& files = files_of(vfs);
    auto* const slot = name == nullptr ? nullptr : files.slot(name);
    if (slot == nullptr) {
        return SQLITE_CANTOPEN;
    }
    if (!slot->has_value()) {
        if ((static_cast<unsigned>(flags) & static_cast<unsigned>(SQLITE_OPEN_CREATE)) == 0) {
            return SQLITE_CANTOPEN;
        }
        slot->emplace(nullptr);
    }
    new (file) OpenFile{.base = {.pMethods = &file_methods}, .files = &files, .slot = slot};
    if (flags_out != nullptr) {
        *flags_out = flags;
    }
    return SQLITE_OK;
}

int vfs_delete(sqlite3_vfs* vfs, const char* name, int /*sync*/)
{
    auto* const slot = files_of(vfs).slot(name);
    if (slot == nullptr || !slot->has_value()) {
        return SQLITE_IOERR_DELETE_NOENT;
    }
    slot->reset();
    return SQLITE_OK;
}

int vfs_access(sqlite3_vfs* vfs, const char* name, int /*flags*/, int* answer)
{
    const auto* const slot = files_of(vfs).slot(name);
    *answer = slot != nullptr && slot->has_value() ? 1 : 0;
    return SQLITE_OK;
}

int vfs_full_path(sqlite3_vfs* /*vfs*/, const char* name, int room, char* out)
{
    const std::string_view text{name};
    if (text.size() + 1 > static_cast<std::size_t>(room)) {
        return SQLITE_CANTOPEN;
    }
    *std::ranges::copy(text, out).out = '\0';
    return SQLITE_OK;
}

int vfs_randomness(sqlite3_vfs* /*vfs*/, int count, char* out)
{
    return machine_vfs().xRandomness(&machine_vfs(), count, out);
}

int vfs_sleep(sqlite3_vfs* /*vfs*/, int /*microseconds*/)
{
    return 0;
}

int vfs_time(sqlite3_vfs* /*vfs*/, double* julian_day)
{
    *julian_day = 2'440'587.5; // 1970: nothing here depends on the time
    return SQLITE_OK;
}

int vfs_last_error(sqlite3_vfs* /*vfs*/, int /*room*/, char* /*out*/)
{
    return 0;
}

/// Pages are small and lie side by side: read ahead a little, and keep much.  Rows are asked for by conversation and
/// lie by time: a phone's whole database is gone through again and again.
io::SourcePtr kept_at_hand(io::SourcePtr source)
{
    constexpr ByteCount block{16U << 10U};
    constexpr std::size_t blocks = 2048;
    return source == nullptr ? nullptr : io::make_cached(std::move(source), block, blocks);
}

} // namespace

LaidOverFile::LaidOverFile(io::SourcePtr source)
    : source_{std::move(source)}, size_{source_ == nullptr ? 0 : source_->size().value}, from_source_{size_}
{
}

Result<> LaidOverFile::read(std::uint64_t at, std::span<std::byte> into) const
{
    while (!into.empty()) {
        const auto within = at % block_bytes;
        const auto count = std::min<std::uint64_t>(into.size(), block_bytes - within);
        const auto piece = into.first(count);
        const auto block = blocks_.find(at / block_bytes);
        if (block != blocks_.end()) {
            std::ranges::copy(ByteView{block->second}.subspan(within, count), piece.begin());
        } else {
            const auto there = at < from_source_ ? std::min(count, from_source_ - at) : 0;
            SALVAGE_TRY(there == 0 ? Result<>{} : source_->read_at(ByteOffset{at}, piece.first(there)));
            std::ranges::fill(piece.subspan(there), std::byte{0});
        }
        if (at + count > size_) { // a block may hold more than the file has
            const auto kept = at < size_ ? size_ - at : 0;
            std::ranges::fill(piece.subspan(kept), std::byte{0});
        }
        into = into.subspan(count);
        at += count;
    }
    return {};
}

Result<Bytes*> LaidOverFile::block_for_writing(std::uint64_t index)
{
    const auto found = blocks_.find(index);
    if (found != blocks_.end()) {
        return &found->second;
    }
    if (blocks_.size() >= max_blocks) {
        return unsupported("the database's journal changes too much of it", "more than 256 MiB");
    }
    Bytes block(block_bytes);
    SALVAGE_TRY(read(index * block_bytes, block));
    return &blocks_.emplace(index, std::move(block)).first->second;
}

Result<> LaidOverFile::write(std::uint64_t at, ByteView bytes)
{
    if (at > max_file_bytes - bytes.size()) {
        return unsupported("the database's journal writes beyond all bounds");
    }
    while (!bytes.empty()) {
        const auto within = at % block_bytes;
        const auto count = std::min<std::uint64_t>(bytes.size(), block_bytes - within);
        auto* const block = SALVAGE_TRY(block_for_writing(at / block_bytes));
        std::ranges::copy(bytes.first(count), block->begin() + static_cast<std::ptrdiff_t>(within));
        bytes = bytes.subspan(count);
        at += count;
        size_ = std::max(size_, at);
    }
    return {};
}

void LaidOverFile::truncate(std::uint64_t size)
{
    if (size < size_) {
        std::erase_if(blocks_, [&](const auto& block) { return block.first * block_bytes >= size; });
        const auto last = blocks_.find(size / block_bytes);
        if (last != blocks_.end()) {
            std::ranges::fill(std::span{last->second}.subspan(size % block_bytes), std::byte{0});
        }
        from_source_ = std::min(from_source_, size);
    }
    size_ = std::min(size, max_file_bytes);
}

SqliteFiles::SqliteFiles(DatabaseFiles files)
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): a name that no other object has.
    : name_{fmt::format("salvage-{:x}", reinterpret_cast<std::uintptr_t>(this))},
      database_{kept_at_hand(std::move(files.database))}
{
    if (files.wal != nullptr) {
        wal_.emplace(kept_at_hand(std::move(files.wal)));
    }
    if (files.journal != nullptr) {
        journal_.emplace(kept_at_hand(std::move(files.journal)));
    }
    const auto size_of = [](const std::optional<LaidOverFile>& file) { return file ? file->size() : 0; };
    may_read_ = read_at_least + read_a_byte * (size_of(database_) + size_of(wal_) + size_of(journal_));
}

bool SqliteFiles::may_read(std::uint64_t bytes) noexcept
{
    const bool out = bytes <= may_read_;
    may_read_ -= out ? bytes : 0;
    return out;
}

Result<> SqliteFiles::register_vfs()
{
    if (sqlite3_initialize() != SQLITE_OK || sqlite3_vfs_find(nullptr) == nullptr) {
        return Error{.code = ErrorCode::internal,
                     .what = "SQLite cannot be started",
                     .why = {},
                     .where = {},
                     .hint = {},
                     .trail = {}};
    }
    vfs_.iVersion = 1;
    vfs_.szOsFile = sizeof(OpenFile);
    vfs_.mxPathname = path_room;
    vfs_.zName = name_.c_str();
    vfs_.pAppData = this;
    vfs_.xOpen = vfs_open;
    vfs_.xDelete = vfs_delete;
    vfs_.xAccess = vfs_access;
    vfs_.xFullPathname = vfs_full_path;
    vfs_.xRandomness = vfs_randomness;
    vfs_.xSleep = vfs_sleep;
    vfs_.xCurrentTime = vfs_time;
    vfs_.xGetLastError = vfs_last_error;
    is_registered_ = sqlite3_vfs_register(&vfs_, 0) == SQLITE_OK;
    return {};
}

SqliteFiles::~SqliteFiles()
{
    if (is_registered_) {
        sqlite3_vfs_unregister(&vfs_);
    }
}

std::optional<LaidOverFile>* SqliteFiles::slot(std::string_view name) noexcept
{
    if (name == database_name) {
        return &database_;
    }
    if (name == "database-wal") {
        return &wal_;
    }
    return name == "database-journal" ? &journal_ : nullptr;
}

void SqliteFiles::note(Error error)
{
    if (!problem_) {
        problem_ = std::move(error);
    }
}

std::optional<Error> SqliteFiles::take_problem()
{
    return std::exchange(problem_, std::nullopt);
}

} // namespace salvage::artifact
