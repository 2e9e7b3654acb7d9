// The list of a copy of a case: a line of it names a file, or nothing.
#include <cstdint>
#include <span>
#include <string_view>

#include "require.hpp"
#include "rescue/backup_check.hpp"
#include "rescue/backup_list.hpp"
#include "rescue/beneath.hpp"
#include "salvage/core/bytes.hpp"

namespace {

using namespace salvage;

void check(const rescue::BackupFile& file)
{
    fuzz::require(rescue::is_beneath(file.path));
    fuzz::require(!file.is_link() || file.pieces.empty());
    std::uint64_t at = 0;
    for (std::size_t piece = 0; piece < file.pieces.size(); ++piece) {
        const auto range = file.piece(piece);
        fuzz::require(range.start().value == at && range.size().value > 0 && range.size() <= rescue::backup_piece);
        at = range.end().value;
    }
    fuzz::require(file.sha256.empty() || at == file.size); // the pieces are all of the file
    const auto again = rescue::parse_backup_line(rescue::backup_line(file));
    fuzz::require(again && again->path == file.path && again->size == file.size && again->mtime == file.mtime &&
                  again->sha256 == file.sha256 && again->pieces == file.pieces && again->link == file.link);
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    auto text = as_text(std::as_bytes(std::span{data, size}));
    rescue::BackupFiles files;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        if (auto file = rescue::parse_backup_line(line)) {
            check(*file);
            auto path = file->path;
            files.insert_or_assign(std::move(path), *std::move(file));
        }
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
    // Each piece is in one of the parts.
    constexpr std::uint32_t parts = 3;
    std::vector<rescue::PartOfBytes> cut;
    for (std::uint32_t number = 1; number <= parts; ++number) {
        cut.emplace_back(files, rescue::BackupPart{.number = number, .of = parts});
    }
    for (const auto& [path, file] : files) {
        for (std::size_t piece = 0; piece < std::max<std::size_t>(file.pieces.size(), 1); ++piece) {
            unsigned taken = 0;
            for (auto& part : cut) {
                taken += part.takes(file.piece(piece).size()) ? 1U : 0U;
            }
            fuzz::require(taken == 1);
        }
    }
    return 0;
}
