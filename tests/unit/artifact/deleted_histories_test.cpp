// Rows that went in the course of two hundred made-up lives of a database.
#include <map>
#include <set>
#include <string>

#include "deleted_messages.hpp"

namespace salvage::artifact {
namespace {

using test::body_field;
using test::found_in;

struct Recall {
    std::map<RowConfidence, std::size_t> right;
    std::map<RowConfidence, std::size_t> wrong;
    std::size_t gone{0};  ///< rows that were deleted
    std::size_t left{0};  ///< of them, those whose text is in the file in one piece
    std::size_t found{0}; ///< of them, those that were found with all of their text

    void count(unsigned seed)
    {
        const test::History history{seed};
        const auto bytes = test::made_database(history.sql());
        std::set<std::string> texts;
        for (const auto& row : found_in(test::database_files(bytes)).rows) {
            const auto text = to_text(row.values[body_field]).value_or("");
            const bool is_right = history.was(row);
            ++(is_right ? right : wrong)[row.confidence];
            EXPECT_TRUE(is_right || row.confidence != RowConfidence::whole)
                << "seed " << seed << ": " << text << " at byte " << row.byte;
            const auto live = history.live().find(row.rowid.value_or(0));
            EXPECT_TRUE(live == history.live().end() || live->second != text) << "seed " << seed << ": it is there";
            texts.insert(text);
        }
        for (const auto& [id, text] : history.gone()) {
            const bool is_left = as_text(bytes).contains(text);
            ++gone;
            left += is_left ? 1U : 0U;
            found += is_left && texts.contains(text) ? 1U : 0U;
        }
    }
};

TEST(DeletedHistories, GiveNothingWholeThatNeverWasAndMostOfWhatIsLeft)
{
    constexpr unsigned histories = 200;
    Recall recall;
    for (unsigned seed = 1; seed <= histories; ++seed) {
        recall.count(seed);
    }
    EXPECT_GT(recall.right[RowConfidence::whole], 2000U);
    EXPECT_GT(recall.right[RowConfidence::start_lost], 1000U);
    EXPECT_EQ(recall.wrong[RowConfidence::start_lost], 0U);
    // What lies over an end cannot always be told from it, nor whether a free page was used in between.
    EXPECT_LE(recall.wrong[RowConfidence::cut] * 50, recall.right[RowConfidence::cut]);
    EXPECT_LE(recall.wrong[RowConfidence::chained], 2U);
    EXPECT_GT(recall.left, 2500U);
    EXPECT_GE(recall.found * 100, recall.left * 98) << recall.found << " of " << recall.left;
}

} // namespace
} // namespace salvage::artifact
