// What was found in the phone's databases, put away so that the page can leaf through it: memory holds where each row
// and each conversation is, a file without a name holds the rest.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "json.hpp"
#include "salvage/artifact/extraction.hpp"

namespace salvage::web {

/// Thread safe: it is read while it is filled.
class ItemShelf {
public:
    enum class State : std::uint8_t { filling, full, failed };

    /// What a shelf can be asked for.
    struct Wanted {
        std::string kind;
        std::uint64_t offset{};
        std::uint64_t limit{};
        std::string text; ///< rows that have it, whatever its case; empty: all
    };

    /// `folder` is where its file lies, which nobody can see and which is gone with the shelf.  Errors: io.
    [[nodiscard]] static Result<std::shared_ptr<ItemShelf>> create(const std::filesystem::path& folder);
    ItemShelf(const ItemShelf&) = delete;
    ItemShelf& operator=(const ItemShelf&) = delete;
    ~ItemShelf();

    /// Puts away what an extraction hands out.  Files of the phone stay where they are, and are named by their keys.
    [[nodiscard]] std::unique_ptr<artifact::Sink> sink();
    void add_kind(artifact::KindReport report);
    void finish(std::optional<Error> problem);

    /// State, and the kinds that are done: name, title, how many, notes, problems.
    [[nodiscard]] Json overview() const;
    /// Columns and rows.  Errors: not_found (that kind has no table, or not yet), io.
    [[nodiscard]] Result<Json> table(const Wanted& wanted) const;
    /// A part of a conversation.  Errors: not_found, io.
    [[nodiscard]] Result<std::string> conversation(std::uint64_t number) const;
    /// Messages that have a text, whatever its case: how many, and the first `limit` with where they are.  Reads all
    /// of them: about a second for 200,000.  Requires: a text.  Errors: io.
    [[nodiscard]] Result<Json> said(const std::string& text, std::uint64_t limit) const;
    /// A picture that stood in a database.  Errors: not_found, io.
    [[nodiscard]] Result<std::string> picture(std::uint64_t number) const;

private:
    struct Piece {
        std::uint64_t at{};
        std::uint64_t size{};
    };
    struct Table {
        std::string title;
        std::vector<std::string> columns;
        std::vector<std::string> notes;
        std::vector<std::uint64_t> rows; ///< where each begins; one more: where the last ends
    };
    class Sink;

    explicit ItemShelf(int file) noexcept : file_{file} {}
    Result<> put(const artifact::TablePage& page);
    Result<> put(const artifact::ConversationPage& page);
    Result<artifact::Stored> put(const io::ByteSource& content, const std::string& name,
                                 const artifact::Origin& origin);
    Result<Piece> append(std::string_view bytes);
    [[nodiscard]] Result<std::string> read(Piece piece) const;
    [[nodiscard]] Result<std::string> piece(const std::vector<Piece>& pieces, std::uint64_t number) const;
    [[nodiscard]] Json row_json(const std::vector<artifact::Cell>& row) const;
    [[nodiscard]] Json bubble_json(const artifact::Bubble& bubble) const;
    [[nodiscard]] Json number_at(const std::unordered_map<std::string, std::uint64_t>& numbers,
                                 const std::string& path) const;
    [[nodiscard]] Result<Json> rows_with(const Table& table, const Wanted& wanted, std::uint64_t& total) const;

    int file_;
    mutable std::mutex mutex_; ///< of what follows; the file's content does not change once it is there
    State state_{State::filling};
    std::optional<Error> problem_;
    std::uint64_t end_{0};
    std::uint64_t picture_bytes_{0};
    std::vector<artifact::KindReport> kinds_;
    std::unordered_map<std::string, std::shared_ptr<const Table>> tables_; ///< by the page's path
    std::vector<Piece> conversations_;
    std::unordered_map<std::string, std::uint64_t> conversation_numbers_; ///< by path; promised ones are in it, too
    std::vector<Piece> pictures_;
    std::unordered_map<std::string, std::uint64_t> picture_numbers_; ///< by path
    std::unordered_map<std::string, std::string> phone_files_;       ///< path to the file on the phone
};

} // namespace salvage::web
