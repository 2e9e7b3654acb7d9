// Lines of a file as candidates.  The file is read once to be hashed and indexed; after that only the blocks that are
// asked for.
#include "salvage/password/keyspace.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "password/keyspace.hpp"
#include "password/line_scanner.hpp"
#include "salvage/core/text.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/io/decompressed.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::password {

static_assert(max_line_bytes == 2 * max_word_bytes + 6);

bool word_of_line(std::string_view line, std::string& into)
{
    constexpr std::string_view prefix = "$HEX[";
    if (line.starts_with(prefix) && line.ends_with(']') && line.size() > prefix.size()) {
        const auto digits = line.substr(prefix.size(), line.size() - prefix.size() - 1);
        const bool are_hex = std::ranges::all_of(
            digits, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); });
        if (are_hex && digits.size() % 2 == 0 && line.size() <= max_line_bytes) {
            const auto bytes = from_hex(digits);
            if (bytes.has_value()) {
                into = as_text(*bytes);
                return into.size() <= max_word_bytes;
            }
        }
    }
    into = line;
    return line.size() <= max_word_bytes;
}

namespace {

constexpr std::uint64_t lines_per_entry = 4096;
constexpr ByteCount bytes_per_entry{1U << 20U}; // so that few long lines do not make one huge block
constexpr std::size_t read_bytes_at_once = std::size_t{64} << 10U;
constexpr std::size_t index_bytes_at_once = std::size_t{1} << 20U;

/// Line `first` of the candidates starts at byte `at`.
struct IndexEntry {
    std::uint64_t first{};
    std::uint64_t at{};
};

struct Index {
    std::vector<IndexEntry> entries;
    std::uint64_t words{};
    std::uint64_t too_long{};
    crypto::Sha256Digest sha256{};
};

class IndexBuilder {
public:
    void take(ByteView block)
    {
        hash_.update(block);
        scanner_.feed(block,
                      [this](std::string_view line, std::uint64_t at, std::uint64_t /*end*/) { return add(line, at); });
    }
    Index finish()
    {
        scanner_.finish(
            [this](std::string_view line, std::uint64_t at, std::uint64_t /*end*/) { return add(line, at); });
        index_.sha256 = hash_.finish();
        return std::move(index_);
    }

private:
    bool add(std::string_view line, std::uint64_t at)
    {
        if (!word_of_line(line, word_)) {
            ++index_.too_long;
            return true;
        }
        const bool is_due = index_.entries.empty() || index_.words - index_.entries.back().first >= lines_per_entry ||
                            at - index_.entries.back().at >= bytes_per_entry.value;
        if (is_due) {
            index_.entries.push_back({.first = index_.words, .at = at});
        }
        ++index_.words;
        return true;
    }

    LineScanner scanner_;
    crypto::Sha256 hash_;
    std::string word_;
    Index index_;
};

class WordList final : public Keyspace {
public:
    WordList(io::SourcePtr file, std::string name, Index index)
        : file_{std::move(file)}, name_{std::move(name)}, index_{std::move(index)}
    {
    }

    [[nodiscard]] Candidates size() const noexcept override { return Candidates{index_.words}; }

    Result<std::size_t> candidates(std::uint64_t first, std::span<Candidate> into) const override
    {
        SALVAGE_TRY(check_range(first, into.size(), index_.words));
        if (into.empty()) {
            return std::size_t{0};
        }
        const auto entry = std::ranges::upper_bound(index_.entries, first, {}, &IndexEntry::first) - 1;
        SALVAGE_TRY(read_words(entry->at, first - entry->first, into));
        return into.size();
    }

    [[nodiscard]] std::string identity() const override { return "wordlist:sha256=" + to_hex(index_.sha256); }

    [[nodiscard]] std::string description() const override
    {
        const auto left_out = index_.too_long == 0 ? std::string{}
                                                   : fmt::format(" ({} lines over {} bytes are left out)",
                                                                 format_count(index_.too_long), max_word_bytes);
        return fmt::format("{} words of {}{}", format_count(index_.words), printable(name_), left_out);
    }

private:
    /// Fills `into` with the words after the first `skip` ones from byte `at` on.
    Result<> read_words(std::uint64_t at, std::uint64_t skip, std::span<Candidate> into) const
    {
        LineScanner scanner{at};
        std::size_t filled = 0;
        std::string word;
        const auto use = [&](std::string_view line, std::uint64_t /*start*/, std::uint64_t /*end*/) {
            if (!word_of_line(line, word)) {
                return true;
            }
            if (skip > 0) {
                --skip;
                return true;
            }
            into[filled].is_rejected = false;
            into[filled++].bytes.swap(word);
            return filled < into.size();
        };
        Bytes block(read_bytes_at_once);
        while (at < file_->size().value) {
            const auto count = std::min<std::uint64_t>(block.size(), file_->size().value - at);
            const auto part = std::span{block}.first(static_cast<std::size_t>(count));
            SALVAGE_TRY(file_->read_at(ByteOffset{at}, part));
            at += count;
            if (!scanner.feed(part, use)) {
                return {};
            }
        }
        scanner.finish(use);
        if (filled < into.size()) {
            return Error{ErrorCode::io,
                         fmt::format("the word list {} changed while it was searched", printable(name_)),
                         "it has fewer lines than when it was indexed",
                         std::nullopt,
                         "start the search anew",
                         {}};
        }
        return {};
    }

    io::SourcePtr file_;
    std::string name_;
    Index index_;
};

Result<io::SourcePtr> index_plain(const io::SourcePtr& file, IndexBuilder& builder, const RunContext& context)
{
    Bytes block(index_bytes_at_once);
    const auto size = file->size().value;
    for (std::uint64_t at = 0; at < size;) {
        if (context.is_stopped()) {
            return cancelled("indexing the word list");
        }
        const auto count = std::min<std::uint64_t>(block.size(), size - at);
        const auto part = std::span{block}.first(static_cast<std::size_t>(count));
        SALVAGE_TRY(file->read_at(ByteOffset{at}, part).in("indexing the word list"));
        builder.take(part);
        at += count;
        context.progress->update({.step = "index", .unit = "bytes", .done = at, .total = size});
    }
    return file;
}

/// The pass that finds the size of what is packed is the one that indexes the lines.
Result<io::SourcePtr> index_packed(const io::SourcePtr& file, IndexBuilder& builder, const RunContext& context)
{
    return io::make_decompressed(file, context, [&](ByteView block) { builder.take(block); })
        .in("indexing the word list");
}

} // namespace

Result<KeyspacePtr> make_wordlist(const std::string& path, const RunContext& context)
{
    constexpr ByteCount magic_bytes{32};
    const auto file = SALVAGE_TRY(io::open_file(path).in("opening the word list"));
    const auto head = SALVAGE_TRY(io::read_up_to(*file, ByteOffset{0}, magic_bytes).in("reading the word list"));
    IndexBuilder builder;
    const auto index = io::find_compression(head) ? &index_packed : &index_plain;
    auto lines = SALVAGE_TRY(index(file, builder, context));
    auto name = std::filesystem::path{path}.filename().string();
    return KeyspacePtr{std::make_shared<const WordList>(std::move(lines), std::move(name), builder.finish())};
}

} // namespace salvage::password
