// One copy's pieces against their hashes, and against what the case and the other copies have.
#pragma once

#include <functional>
#include <vector>

#include "rescue/backup_book.hpp"
#include "rescue/backup_folder.hpp"

namespace salvage::rescue {

/// The pieces of a part: those whose middle falls into it where all bytes of the files stand in a row, so that parts
/// take equally long.  Each piece is in one part.
class PartOfBytes {
public:
    PartOfBytes(const BackupFiles& files, BackupPart part);
    /// To be asked for the size of every piece in order; an empty file and a link have one, of no bytes.
    [[nodiscard]] bool takes(ByteCount size) noexcept;

private:
    BackupPart part_;
    std::uint64_t total_{0};
    std::uint64_t at_{0};
};

/// The case and the copies that can be read.
using Holders = std::vector<PieceHolder>;
/// Errors: io (the case).
[[nodiscard]] Result<Holders> holders_of(BackupBook& book);

/// Who has a piece as it was copied, and who has it otherwise.
struct PieceVotes {
    std::vector<const PieceHolder*> right; ///< with the hash of the list
    std::string words;                     ///< for people
};

class PieceCheck {
public:
    /// All must outlive it.
    PieceCheck(const PieceHolder& holder, const Holders& all, BackupProgress& progress)
        : holder_{&holder}, all_{&all}, progress_{&progress}
    {
    }

    /// Checks the pieces that `takes` says (asked for each in order; an empty file and a link count as one piece), and
    /// adds what differs.  Errors: cancelled.
    Result<> file(const BackupFile& file, const std::function<bool(std::size_t)>& takes,
                  std::vector<BackupMismatch>& out);
    /// What the others have.
    [[nodiscard]] PieceVotes ask_others(const BackupFile& file, std::size_t piece) const;

private:
    [[nodiscard]] static std::string wrong_with(const BackupFile& file, std::size_t piece, PieceReader& reader);
    Result<> link(const BackupFile& file, std::vector<BackupMismatch>& out) const;
    [[nodiscard]] BackupMismatch mismatch(const BackupFile& file, std::size_t piece, std::string code) const;
    void compare(const BackupFile& file, std::size_t piece, const PieceVotes& votes, BackupMismatch& out) const;

    const PieceHolder* holder_;
    const Holders* all_;
    BackupProgress* progress_;
};

} // namespace salvage::rescue
