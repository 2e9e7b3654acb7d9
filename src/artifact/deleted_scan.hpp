// Finding rows in bytes that no page header tells of any more.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "artifact/deleted_cells.hpp"
#include "artifact/deleted_pages.hpp"
#include "artifact/deleted_rows.hpp"

namespace salvage::artifact {

/// What a column's values are stored as.  Spec: sqlite.org/datatype3.html, 3.1.
enum class Affinity : std::uint8_t { integer, text, blob, real, numeric };
[[nodiscard]] Affinity affinity_of(std::string_view declared_type) noexcept;

/// What a row of a table looks like.
struct TableShape {
    struct Field {
        Affinity affinity{Affinity::blob};
        bool is_rowid{false};
        bool is_required{false};
    };
    std::string name;
    std::uint32_t root{};  ///< its first page
    bool is_wanted{false}; ///< of the others it is only known that a row is theirs
    std::vector<Field> fields;
};

/// Bytes of one page that may hold rows.
struct ScanArea {
    ByteView page; ///< without what is kept for extensions
    std::size_t begin{};
    std::size_t end{};
    PageImage image;
    RowPlace place{};
    std::uint32_t root{}; ///< of the tree that the page belongs to; 0: none
};

/// Not thread safe.
///
/// A row that was alone in being deleted lost its first four bytes to a freeblock's: where the next one is, and how
/// long this one is.  Its serial types mostly follow; how many bytes its length and rowid took tells where they begin.
/// Rows that went together, or last, are whole.  Where the start of one lies within another, it was written later, so
/// the other ends there.
class AreaScanner {
public:
    /// `work`: steps until is_spent().
    AreaScanner(const DatabasePages& pages, std::vector<TableShape> shapes, std::uint64_t work);

    void scan(const ScanArea& area, const std::function<void(RecoveredRow)>& give);
    [[nodiscard]] bool is_spent() const noexcept { return work_ == 0; }

private:
    struct Hit {
        const TableShape* shape{};
        std::size_t start{};      ///< of the cell
        std::size_t payload_at{}; ///< behind its length and rowid
        std::size_t body_at{};
        std::uint64_t payload{}; ///< bytes, with those in further pages
        std::uint64_t body{};
        std::size_t limit{}; ///< nothing of it lies behind
        std::optional<std::int64_t> rowid{};
        std::size_t first_field{0}; ///< of `serials`
        std::vector<std::uint64_t> serials;
    };
    /// What a freeblock says, if it is one.
    struct Freeblock {
        std::size_t bytes{};
    };

    void spend(std::uint64_t steps) noexcept { work_ -= std::min(work_, steps); }
    [[nodiscard]] std::optional<Hit> whole_at(const ScanArea& area, std::size_t at);
    [[nodiscard]] std::optional<Hit> lost_start_at(const ScanArea& area, std::size_t at);
    [[nodiscard]] std::optional<Hit> with_length(const ScanArea& area, std::size_t at, std::size_t limit);
    [[nodiscard]] std::optional<Hit> without_length(const ScanArea& area, std::size_t at, std::size_t limit,
                                                    std::size_t lost_fields);
    /// As many serial types as may be a row's, into serials_; and where each ends.
    [[nodiscard]] std::vector<std::size_t> serials_at(ByteView view, std::size_t at);
    [[nodiscard]] bool is_followed(const ScanArea& area, std::size_t at, std::size_t limit);
    [[nodiscard]] static std::optional<Freeblock> freeblock_at(const ScanArea& area, std::size_t at) noexcept;
    [[nodiscard]] const TableShape* shape_of(std::span<const std::uint64_t> serials, std::uint32_t root);

    [[nodiscard]] std::optional<RecoveredRow> decode(const ScanArea& area, const Hit& hit);
    [[nodiscard]] bool decode_value(const Hit& hit, std::size_t index, ByteView there, std::uint64_t size,
                                    RecoveredRow& row);
    /// Appends what lies in free pages; false: not all of it is there.
    [[nodiscard]] bool follow(std::uint32_t page_number, std::uint64_t wanted, Bytes& into);

    const DatabasePages* pages_;
    std::vector<TableShape> shapes_;
    std::uint64_t work_;
    std::size_t most_fields_{0};
    std::vector<std::uint64_t> serials_; ///< of the header that is being looked at
};

} // namespace salvage::artifact
