// The pages of a database's files, and what each is there for: which the database uses, which it has given up.
// Spec: sqlite.org/fileformat2.html, 1.2 to 1.8 and 4 (the WAL).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "artifact/deleted_cells.hpp"
#include "salvage/artifact/sqlite.hpp"
#include "salvage/core/bytes.hpp"

namespace salvage::artifact {

enum class PageUse : std::uint8_t {
    none,       ///< nothing leads to it
    tree,       ///< of a table or an index
    overflow,   ///< the rest of a long row
    free_leaf,  ///< free, and as it was
    free_trunk, ///< free; its beginning lists others
    reserved,   ///< a map of pages, or the page where locks are
};

/// One page as it stands in one of the files.
struct PageImage {
    std::uint32_t page{}; ///< its number, from 1
    std::uint64_t byte{}; ///< of the file, where it begins
    bool is_in_wal{false};
};

/// Not thread safe.  Memory: 5 bytes a page of the file, and of a WAL 32 a frame; max_pages at most.
class DatabasePages {
public:
    /// Reads all pages once.  Errors: malformed (no database), unsupported (more pages than max_pages), io, unreadable
    /// (its head), cancelled.
    [[nodiscard]] static Result<DatabasePages> open(const DatabaseFiles& files, const std::stop_token& stop);

    [[nodiscard]] std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(uses_.size()); }
    [[nodiscard]] std::size_t page_bytes() const noexcept { return page_bytes_; }
    /// Bytes of a page that hold data: the rest is for extensions.
    [[nodiscard]] std::size_t usable_bytes() const noexcept { return usable_bytes_; }
    [[nodiscard]] TextEncoding encoding() const noexcept { return encoding_; }

    /// Where a page's newest committed state is.  Requires: 1 <= number <= count().
    [[nodiscard]] PageImage current(std::uint32_t number) const;
    /// Pages of the database and frames of the WAL that something newer stands for, or that were never committed.
    [[nodiscard]] const std::vector<PageImage>& old_images() const noexcept { return old_; }
    [[nodiscard]] PageUse use_of(std::uint32_t number) const { return uses_.at(number - 1); }
    /// The first page of the tree that a page belongs to; 0: it belongs to none.
    [[nodiscard]] std::uint32_t root_of(std::uint32_t number) const { return roots_.at(number - 1); }
    /// Tables by their first page.  Not those without rowids, and not SQLite's own.
    [[nodiscard]] const std::map<std::uint32_t, std::string>& tables() const noexcept { return tables_; }
    /// Its bytes; nothing where they cannot be read.
    [[nodiscard]] std::optional<Bytes> read(const PageImage& image) const;
    /// Of the WAL.
    [[nodiscard]] std::uint64_t unreadable_frames() const noexcept { return unreadable_frames_; }
    /// Of all files, once.
    [[nodiscard]] std::uint64_t bytes() const noexcept;

    /// 16 GiB of the usual 4 KiB; a phone's databases have a few thousand.
    static constexpr std::uint64_t max_pages = 4U << 20U;

private:
    struct Root {
        std::uint32_t page{};
        std::string name; ///< of a table; empty: an index
    };
    explicit DatabasePages(DatabaseFiles files) : files_{std::move(files)} {}
    Result<> read_head();
    Result<> read_wal(const std::stop_token& stop);
    void commit(std::vector<PageImage>& pending);
    void mark_reserved(bool has_map);
    void mark_free(std::uint32_t first);
    /// `found` gets what the tree is a list of, where it is the schema.
    Result<> mark_tree(const Root& root, std::vector<Root>* found, const std::stop_token& stop);
    void mark_cells(ByteView page, std::size_t head, std::uint32_t number, std::vector<std::uint32_t>& todo,
                    std::vector<Root>* found);
    void mark_payload(ByteView page, std::size_t at, bool is_table, std::vector<Root>* found);
    void mark_overflow(ByteView page, std::size_t at, std::uint64_t payload, bool is_table);
    void read_root(ByteView page, std::size_t at, std::uint64_t payload, std::vector<Root>& found) const;
    bool take(std::uint32_t number, PageUse use, std::uint32_t root);

    DatabaseFiles files_;
    std::size_t page_bytes_{};
    std::size_t usable_bytes_{};
    TextEncoding encoding_{TextEncoding::utf8};
    std::vector<PageUse> uses_;
    std::vector<std::uint32_t> roots_;
    std::map<std::uint32_t, std::string> tables_;
    std::unordered_map<std::uint32_t, std::uint64_t> newest_; ///< by page, where its frame's bytes begin in the WAL
    std::vector<PageImage> old_;
    std::uint64_t unreadable_frames_{0};
};

} // namespace salvage::artifact
