// What a person reads of an extraction, without a word of how it is drawn: tables, conversations, galleries.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/units.hpp"

namespace salvage::artifact {

/// What a browser does with a file beside a page.
enum class MediaKind : std::uint8_t { image, video, audio, other };
/// By the type that a phone noted ("image/jpeg"), else by the ending of the name.
[[nodiscard]] MediaKind media_kind_of(std::string_view mime_type, std::string_view name) noexcept;

/// A cell of a table.  Texts come from the phone and may hold anything.
struct Cell {
    std::string text;
    std::string link{};    ///< path in the folder, or empty
    std::string picture{}; ///< path in the folder, or empty
};

/// A page with one table.  Long ones are cut into several pages by whoever draws them.
struct TablePage {
    std::string path; ///< in the folder: "calls/calls.html"
    std::string title;
    std::vector<std::string> columns;
    std::vector<std::vector<Cell>> rows;
    std::vector<std::string> notes; ///< what was assumed, what is missing
};

struct Attachment {
    std::string name; ///< as the phone calls it
    std::string path; ///< in the folder; empty: it is not there, and `problem` says why
    MediaKind kind{MediaKind::other};
    std::string problem{};
};

/// One message.
struct Bubble {
    std::string from; ///< empty: of the phone's owner
    bool is_own{false};
    std::string time; ///< "2017-08-12 17:00:00 UTC", or empty
    std::string text;
    std::string note; ///< "draft", "could not be sent"
    std::vector<Attachment> attachments;
    std::string origin; ///< file, table and row
};

/// A part of a conversation.
struct ConversationPage {
    std::string path;
    std::string title;
    std::string people;
    std::size_t number{1}; ///< of `count` pages, from 1
    std::size_t count{1};
    std::string previous{}; ///< path in the folder, or empty
    std::string next{};
    std::vector<Bubble> bubbles;
};

/// One photo or video of a gallery.
struct Tile {
    std::string path; ///< in the folder
    std::string name;
    std::string detail; ///< when, where, by what
    MediaKind kind{MediaKind::image};
    std::optional<std::uint32_t> width; ///< as it is shown: turned
    std::optional<std::uint32_t> height;
    std::string problem{};
};

/// A day, or a part of one.
struct GalleryPage {
    std::string path;
    std::string title;
    std::string previous{};
    std::string next{};
    std::vector<Tile> tiles{};
};

/// Something that the first page finds when it is searched for.
struct IndexEntry {
    std::string title;
    std::string detail;
    std::string path; ///< in the folder
};

} // namespace salvage::artifact
