// Conversations as people read them: pages, an overview, entries to search.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "artifact/list_output.hpp"

namespace salvage::artifact {

/// Draws "NAME/conversations/00001-1.html" and so on, and "NAME/NAME.html" over all, of the kind's name.
class ConversationOutput {
public:
    struct Talk {
        std::string title;
        std::string people; ///< numbers or addresses
        std::size_t messages{};
    };

    /// `columns` are those of the overview.
    ConversationOutput(Extraction& extraction, KindReport& report, std::vector<std::string> columns);

    /// Takes the messages in their order; `message` gives one, or nothing where it cannot be read.  Conversations
    /// beyond Bounds::conversations are gone through and not drawn.  The text of the last one, cut.
    /// Errors: those of `message` and of the sink.
    Result<std::string> add(const Talk& talk,
                            const std::function<Result<std::optional<Bubble>>(std::size_t index)>& message);
    /// The conversation just added, in the overview and to be searched for.
    void list(std::vector<Cell> cells, std::string title, std::string detail);
    /// Errors: those of the sink.
    Result<> end();

private:
    [[nodiscard]] std::string page_path(std::size_t page) const;
    [[nodiscard]] bool is_drawn() const noexcept;

    Extraction* extraction_;
    KindReport* report_;
    std::size_t number_{0};
    TablePage overview_;
    ShownRows rows_;
};

} // namespace salvage::artifact
