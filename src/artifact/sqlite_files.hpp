// What SQLite sees of a machine: one database, its WAL and its journal, each with what SQLite writes laid over it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include <sqlite3.h>

#include "salvage/artifact/sqlite.hpp"

namespace salvage::artifact {

/// A file of which the beginning is a source's; what is written is kept in memory.  Not thread safe.
class LaidOverFile {
public:
    explicit LaidOverFile(io::SourcePtr source);

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    /// Bytes beyond the end are zeros; nothing says how many there were.  Errors: those of the source.
    Result<> read(std::uint64_t at, std::span<std::byte> into) const;
    /// Errors: unsupported (more is changed than is kept in memory, or a file beyond all bounds).
    Result<> write(std::uint64_t at, ByteView bytes);
    void truncate(std::uint64_t size);
    [[nodiscard]] const io::SourcePtr& source() const noexcept { return source_; }
    [[nodiscard]] bool is_changed() const noexcept { return !blocks_.empty(); }

private:
    Result<Bytes*> block_for_writing(std::uint64_t index);

    io::SourcePtr source_;
    std::uint64_t size_{0};
    std::uint64_t from_source_{0}; ///< bytes below this that no block holds are the source's
    std::unordered_map<std::uint64_t, Bytes> blocks_;
};

/// The three files, as a VFS of SQLite's that is registered as long as this lives.  Not thread safe; stays where it is.
class SqliteFiles {
public:
    explicit SqliteFiles(DatabaseFiles files);
    SqliteFiles(const SqliteFiles&) = delete;
    SqliteFiles& operator=(const SqliteFiles&) = delete;
    ~SqliteFiles();

    [[nodiscard]] Result<> register_vfs();
    [[nodiscard]] const char* vfs_name() const noexcept { return name_.c_str(); }
    static constexpr const char* database_name = "database";

    /// The file of that name; null where there is none.
    [[nodiscard]] std::optional<LaidOverFile>* slot(std::string_view name) noexcept;
    void note(Error error);
    /// Counts what is read of all three; false: it is more than the files can have a use for.
    [[nodiscard]] bool may_read(std::uint64_t bytes) noexcept;
    /// Why a file could not be read, since the last time this was asked.
    [[nodiscard]] std::optional<Error> take_problem();

private:
    std::string name_;
    sqlite3_vfs vfs_{};
    bool is_registered_{false};
    std::optional<LaidOverFile> database_;
    std::optional<LaidOverFile> wal_;
    std::optional<LaidOverFile> journal_;
    std::optional<Error> problem_;
    std::uint64_t may_read_{0};
};

} // namespace salvage::artifact
