// The lives of inodes: each file that a number stood for, as table and journal tell.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "history.hpp"
#include "inode_tables.hpp"

namespace salvage::filesystem::ext {

/// Where an inode's bytes are.
struct Origin {
    enum class Kind : std::uint8_t { nowhere, log, table };
    Kind kind{Kind::nowhere};
    LoggedCopy copy; ///< of the log
    [[nodiscard]] bool is_known() const noexcept { return kind != Kind::nowhere; }
};

/// One file that had the number: another generation, time of creation or type is another file.
struct Life {
    std::uint32_t number{};
    std::uint32_t generation{};
    std::int64_t created{};       ///< seconds; 0 where inodes have no room for it
    std::uint16_t kind{};         ///< upper bits of the mode
    std::int32_t first_age{};     ///< of the log's first copy of it; see LoggedCopy::age
    std::int32_t last_age{};      ///< of its last copy with links
    Origin alive;                 ///< the last with links
    Origin dead;                  ///< one without links whose blocks or data are still named
    std::uint32_t deleted{};      ///< seconds; 0: not known
    bool is_orphan{false};        ///< deleted while open, and never put away: its blocks are still its own
    bool is_current{false};       ///< the inode table still has it
    bool lives{false};            ///< it is not deleted
    bool has_predecessors{false}; ///< older lives of the number were forgotten: see max_lives_of_number
    bool is_settled{false};       ///< the inode table could be read where it stood

    [[nodiscard]] const Origin& best() const noexcept { return alive.is_known() ? alive : dead; }
    [[nodiscard]] EntryType type() const noexcept { return entry_type_of_mode(kind); }
    [[nodiscard]] bool is_deleted() const noexcept { return !lives && is_settled; }
};

/// More deleted files than a journal of 1 GiB holds.
constexpr std::size_t max_lives = 1U << 19U;
/// The newest of a number: databases make and delete their journals many times over.
constexpr std::size_t max_lives_of_number = 256;

class Lives {
public:
    /// Reads the used part of the inode table once and each of its blocks in the log.  Errors: io, cancelled.
    [[nodiscard]] static Result<Lives> collect(const Volume& volume, const InodeTables& tables, const History& history,
                                               const RunContext& context);

    /// By number, then by first appearance.  Those that `lives` are here only where the log or a dead life of the same
    /// number made them worth a note.
    [[nodiscard]] std::span<const Life> all() const noexcept { return lives_; }
    [[nodiscard]] std::span<const Life> of(std::uint32_t number) const;
    /// Whose a name is that stood for inode `number` at `age`.
    struct NamedAt {
        bool lives{false};                ///< a file that is not deleted, or not known to be
        std::optional<std::size_t> index; ///< in all(); nothing: of this file there is the name alone
    };
    /// `was_entry`: the name was one of a directory then; else it was a remainder that may be older than `age`.
    [[nodiscard]] NamedAt named_at(std::uint32_t number, EntryType type, std::int32_t age, bool was_entry) const;

    /// The inode of a life.  Requires: `origin` is known.
    [[nodiscard]] Result<Inode> inode(const Volume& volume, const InodeTables& tables, const History& history,
                                      const Life& life, const Origin& origin) const;

private:
    [[nodiscard]] bool is_alive(std::uint32_t number) const;
    void settle(const Volume& volume, const Inode& inode, bool is_orphan, std::vector<Life>& more);

    std::vector<Life> lives_;
    std::vector<std::uint32_t> alive_;    ///< numbers, sorted
    std::vector<std::uint32_t> doubtful_; ///< the same of inodes that fail their checksum
};

} // namespace salvage::filesystem::ext
