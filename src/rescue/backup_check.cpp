// Hash, size, link; where something differs, the others are asked.
#include "rescue/backup_check.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

std::string names(const std::vector<const PieceHolder*>& holders)
{
    std::vector<std::string> out;
    out.reserve(holders.size());
    for (const auto* const holder : holders) {
        out.push_back(printable(holder->name));
    }
    return fmt::format("{}", fmt::join(out, ", "));
}

/// Opening a file takes time, too.
std::uint64_t weight(ByteCount size) noexcept
{
    return size.value + 4096;
}

std::size_t pieces_to_look_at(const BackupFile& file)
{
    return std::max<std::size_t>(file.pieces.size(), 1);
}

} // namespace

PartOfBytes::PartOfBytes(const BackupFiles& files, BackupPart part) : part_{part}
{
    for (const auto& [path, file] : files) {
        for (std::size_t piece = 0; piece < pieces_to_look_at(file); ++piece) {
            total_ += weight(file.piece(piece).size());
        }
    }
}

bool PartOfBytes::takes(ByteCount size) noexcept
{
    const auto middle = at_ + (weight(size) / 2);
    at_ += weight(size);
    // In floating point: the products would not fit.
    const auto number = static_cast<long double>(middle) * part_.of / static_cast<long double>(total_);
    return std::min<std::uint32_t>(static_cast<std::uint32_t>(number), part_.of - 1) + 1 == part_.number;
}

Result<Holders> holders_of(BackupBook& book)
{
    Holders out;
    out.push_back(SALVAGE_TRY(open_holder(std::string{the_case}, book.case_folder())));
    for (const auto& copy : book.copies()) {
        if (copy.target.kind == BackupKind::folder && copy.is_whole && why_unreachable(copy).empty()) {
            if (auto holder = open_holder(copy.target.address, copy.target.address); holder.has_value()) {
                out.push_back(*std::move(holder));
            }
        }
    }
    return out;
}

PieceVotes PieceCheck::ask_others(const BackupFile& file, std::size_t piece) const
{
    PieceVotes out;
    if (file.pieces.empty()) {
        return out;
    }
    std::map<std::string, std::vector<const PieceHolder*>> others;
    for (const auto& holder : *all_) {
        if (holder.name == holder_->name) {
            continue;
        }
        PieceReader reader{holder, file};
        const auto state = reader.hash(piece);
        if (state.sha256 == file.pieces.at(piece)) {
            out.right.push_back(&holder);
        } else if (state.sha256) {
            others[*state.sha256].push_back(&holder);
        }
    }
    out.words = out.right.empty()
                    ? std::string{"no copy that can be read has these bytes as they were copied"}
                    : fmt::format("as they were copied, by their SHA-256, they are in: {}", names(out.right));
    for (const auto& [hash, holders] : others) {
        out.words +=
            fmt::format("; {} {} something else in common", names(holders), holders.size() == 1 ? "has" : "have");
    }
    return out;
}

void PieceCheck::compare(const BackupFile& file, std::size_t piece, const PieceVotes& votes, BackupMismatch& out) const
{
    if (votes.right.empty()) {
        return;
    }
    PieceReader right{*votes.right.front(), file};
    PieceReader wrong{*holder_, file};
    const auto wanted = right.bytes(piece);
    const auto found = wrong.bytes(piece);
    if (!wanted.has_value()) {
        return;
    }
    const auto have = found.has_value() ? ByteView{*found} : ByteView{};
    const auto at = std::ranges::mismatch(*wanted, have).in1 - wanted->begin();
    out.first_difference = file.piece(piece).start() + ByteCount{static_cast<std::uint64_t>(at)};
}

BackupMismatch PieceCheck::mismatch(const BackupFile& file, std::size_t piece, std::string code) const
{
    BackupMismatch out{.copy = holder_->name,
                       .path = file.path,
                       .range = file.piece(piece),
                       .code = std::move(code),
                       .first_difference = {},
                       .text = {}};
    const auto votes = ask_others(file, piece);
    compare(file, piece, votes, out);
    out.text = votes.words;
    return out;
}

/// What is wrong with a piece; empty: nothing.
std::string PieceCheck::wrong_with(const BackupFile& file, std::size_t piece, PieceReader& reader)
{
    if (!reader.size()) {
        return reader.problem();
    }
    const bool is_last = piece + 1 == pieces_to_look_at(file);
    if (is_last && *reader.size() != file.size) {
        return "size";
    }
    if (file.pieces.empty()) {
        return file.sha256.empty() ? "sha256" : ""; // no hash: nobody can say; else empty, as it was
    }
    const auto state = reader.hash(piece);
    if (state.sha256 == file.pieces.at(piece)) {
        return {};
    }
    return state.sha256 ? "sha256" : state.why;
}

Result<> PieceCheck::link(const BackupFile& file, std::vector<BackupMismatch>& out) const
{
    const auto found = link_of(*holder_, file.path);
    if (found != file.link) {
        out.push_back(mismatch(file, 0, found ? "target" : "missing"));
    }
    return progress_->add(0);
}

Result<> PieceCheck::file(const BackupFile& file, const std::function<bool(std::size_t)>& takes,
                          std::vector<BackupMismatch>& out)
{
    if (file.is_link()) {
        return takes(0) ? link(file, out) : Result<>{};
    }
    std::optional<PieceReader> reader;
    for (std::size_t piece = 0; piece < pieces_to_look_at(file); ++piece) {
        if (!takes(piece)) {
            continue;
        }
        SALVAGE_TRY(progress_->add(file.piece(piece).size().value));
        if (!reader) {
            reader.emplace(*holder_, file);
        }
        if (auto code = wrong_with(file, piece, *reader); !code.empty()) {
            out.push_back(mismatch(file, piece, std::move(code)));
        }
    }
    return {};
}

} // namespace salvage::rescue
