#include "artifact/conversation_output.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace salvage::artifact {
namespace {

// A page of a conversation: opens at once, and prints on some forty sheets.
constexpr std::size_t messages_a_page = 500;
// A text of any messenger has less; a page of such texts stays below some MiB.
constexpr std::size_t longest_text = 64U << 10U;
constexpr std::size_t most_text_a_page = 4U << 20U;

/// Leaves of the text what the page has room for.
void fit(Bubble& bubble, std::size_t& room)
{
    const auto all = bubble.text.size();
    bubble.text.resize(cut_text(bubble.text, std::min(longest_text, room)).size());
    room -= bubble.text.size();
    if (bubble.text.size() < all) {
        bubble.text += fmt::format("… ({} bytes in all; the JSON has them)", all);
    }
}

} // namespace

ConversationOutput::ConversationOutput(Extraction& extraction, KindReport& report, std::vector<std::string> columns)
    : extraction_{&extraction}, report_{&report},
      overview_{.path = {}, .title = report.title, .columns = std::move(columns), .rows = {}, .notes = {}},
      rows_{extraction.bounds.shown_rows, extraction.bounds.shown_bytes}
{
}

std::string ConversationOutput::page_path(std::size_t page) const
{
    return fmt::format("{}/conversations/{:05}-{}.html", report_->name, number_, page + 1);
}

bool ConversationOutput::is_drawn() const noexcept
{
    return number_ <= extraction_->bounds.conversations;
}

Result<std::string>
ConversationOutput::add(const Talk& talk,
                        const std::function<Result<std::optional<Bubble>>(std::size_t index)>& message)
{
    ++number_;
    std::string last;
    const auto pages = (talk.messages + messages_a_page - 1) / messages_a_page;
    for (std::size_t page = 0; page < pages; ++page) {
        ConversationPage drawn{.path = page_path(page),
                               .title = talk.title,
                               .people = talk.people,
                               .number = page + 1,
                               .count = pages,
                               .bubbles = {}};
        drawn.previous = page == 0 ? std::string{} : page_path(page - 1);
        drawn.next = page + 1 == pages ? std::string{} : page_path(page + 1);
        auto room = most_text_a_page;
        const auto first = page * messages_a_page;
        for (auto i = first; i < std::min(talk.messages, first + messages_a_page); ++i) {
            if (auto bubble = SALVAGE_TRY(message(i))) {
                fit(*bubble, room);
                drawn.bubbles.push_back(*std::move(bubble));
            }
        }
        if (!drawn.bubbles.empty()) {
            last = drawn.bubbles.back().text;
        }
        SALVAGE_TRY(is_drawn() ? extraction_->sink->page(drawn) : Result<>{});
    }
    return last;
}

void ConversationOutput::list(std::vector<Cell> cells, std::string title, std::string detail)
{
    if (!is_drawn()) {
        return;
    }
    cells.front().link = page_path(0);
    rows_.add(std::move(cells));
    extraction_->sink->index({.title = std::move(title), .detail = std::move(detail), .path = page_path(0)});
}

Result<> ConversationOutput::end()
{
    if (number_ > extraction_->bounds.conversations) {
        report_->problems.push_back(
            fmt::format("{} conversations have no page, for there are more than any phone has: their messages are in "
                        "the JSON",
                        number_ - extraction_->bounds.conversations));
    }
    report_->page = fmt::format("{0}/{0}.html", report_->name);
    overview_.path = report_->page;
    overview_.notes = report_->notes;
    rows_.end(overview_, "the JSON");
    return extraction_->sink->page(overview_);
}

} // namespace salvage::artifact
