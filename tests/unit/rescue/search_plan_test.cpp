// In which order candidates come, and what they take.
#include <map>

#include <gtest/gtest.h>

#include "support/assert_result.hpp"
#include "unit/rescue/search_support.hpp"

namespace salvage::rescue {
namespace {

using namespace fake;
using salvage::test::fails_with;
using salvage::test::is_ok;
using salvage::test::TemporaryFolder;

std::vector<std::string> names_of(const std::vector<SearchStep>& steps)
{
    std::vector<std::string> out;
    for (const auto& step : steps) {
        out.push_back(step.name);
    }
    return out;
}

Result<CrackPlan> plan_for(const SearchSubject& subject, SearchRequest request)
{
    return plan_search(std::span{&subject, 1}, request, {});
}

class Plan : public ::testing::Test {
protected:
    static std::vector<std::string> names(std::optional<fde::CryptType> type, SearchRequest request)
    {
        auto footer = usual_footer();
        footer.crypt_type = type;
        const auto steps = plan_steps(&footer, request, {});
        EXPECT_TRUE(is_ok(steps));
        return steps.has_value() ? names_of(*steps) : std::vector<std::string>{};
    }
    static std::size_t place_of(const std::vector<std::string>& names, std::string_view name)
    {
        return static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
    }
    TemporaryFolder folder_;
};

TEST_F(Plan, GoesFromLikelyAndCheapToDear)
{
    SearchRequest request;
    request.max_pin = 6;
    EXPECT_EQ(
        names(std::nullopt, std::move(request)),
        (std::vector<std::string>{"default password", "3x3 pattern, the likeliest", "4-digit PIN, the likeliest",
                                  "4-digit PIN, likely ones", "6-digit PIN, the likeliest",
                                  "3x3 pattern, raw, the likeliest", "5-digit PIN, the likeliest",
                                  "4-digit PIN, the rest", "3x3 pattern, likely ones", "5-digit PIN, likely ones",
                                  "6-digit PIN, likely ones", "3x3 pattern, raw, likely ones", "3x3 pattern, the rest",
                                  "5-digit PIN, the rest", "6-digit PIN, the rest", "3x3 pattern, raw, the rest"}));
}

TEST_F(Plan, CoversEveryPinAndPatternExactlyOnce)
{
    SearchRequest request;
    request.max_pin = 5;
    const auto steps = plan_steps(nullptr, request, {}).unwrap();
    std::map<std::string, unsigned> seen;
    std::uint64_t digits = 0;
    for (const auto& step : steps) {
        const auto size = step.keyspace->size().value;
        for (std::uint64_t at = 0; at < size; ++at) {
            const auto candidate = password::candidate_at(*step.keyspace, at).unwrap();
            if (step.name.find("PIN") != std::string::npos) {
                ++seen[candidate.bytes];
            } else {
                digits += step.name.find("pattern") != std::string::npos ? 1U : 0U;
            }
        }
    }
    EXPECT_EQ(seen.size(), 110'000U);
    EXPECT_TRUE(std::ranges::all_of(seen, [](const auto& pin) { return pin.second == 1; }));
    EXPECT_EQ(digits, 2U * 389'112U) << "both encodings";
}

TEST_F(Plan, PutsFirstWhatTheFooterSaysItsOwnerTyped)
{
    std::string lines;
    for (unsigned i = 0; i < 1000; ++i) {
        lines += fmt::format("word{}\n", i);
    }
    const auto words = folder_.write("words.txt", as_bytes(lines));
    const auto with_words = [&] {
        SearchRequest request;
        request.wordlists = {words};
        return request;
    };
    EXPECT_EQ(names(fde::CryptType::pin, with_words()).at(1), "4-digit PIN, the likeliest");
    const auto by_pattern = names(fde::CryptType::pattern, with_words());
    EXPECT_EQ(by_pattern.at(1), "3x3 pattern, the likeliest");
    EXPECT_LT(place_of(by_pattern, "3x3 pattern, the rest"), place_of(by_pattern, "4-digit PIN, the rest"));
    const auto by_password = names(fde::CryptType::password, with_words());
    EXPECT_LT(place_of(by_password, "word list words.txt"), place_of(by_password, "4-digit PIN, likely ones"));
}

TEST_F(Plan, KeepsTheOrderOfEachKind)
{
    for (const auto type : {fde::CryptType::password, fde::CryptType::pattern, fde::CryptType::pin}) {
        const auto all = names(type, {});
        for (const std::string kind :
             {"4-digit PIN", "6-digit PIN", "8-digit PIN", "3x3 pattern", "3x3 pattern, raw"}) {
            EXPECT_LT(place_of(all, kind + ", the likeliest"), place_of(all, kind + ", the rest")) << kind;
            EXPECT_LT(place_of(all, kind + ", the rest"), all.size()) << kind;
        }
    }
}

TEST_F(Plan, TriesGivenSecretsBeforeAllElseInTheirEncodingsAndNothingOfItsOwnThen)
{
    SearchRequest request;
    request.secrets.push_back(given("1478", "pattern-digits"));
    request.secrets.push_back(given("2589", "pattern-digits"));
    request.secrets.push_back(given("hunter2"));
    const auto steps = plan_steps(nullptr, request, {}).unwrap();
    EXPECT_EQ(names_of(steps),
              (std::vector<std::string>{"given secret (pattern-digits)", "given secret (text)", "default password"}));
    EXPECT_EQ(steps.front().keyspace->encoding(0), "pattern-digits");
}

TEST_F(Plan, HasOnlyWhatWasAskedFor)
{
    SearchRequest request;
    request.attacks.push_back({.name = "mine", .keyspace = password::make_pins(5, 5).unwrap(), .seconds = 0});
    request.try_default_password = false;
    EXPECT_EQ(names(std::nullopt, std::move(request)), std::vector<std::string>{"mine"});
    SearchRequest none;
    none.max_pin = 0;
    none.pattern_side = 0;
    EXPECT_EQ(names(std::nullopt, std::move(none)), std::vector<std::string>{"default password"});
}

TEST_F(Plan, MeasuresWhatEachStepTakes)
{
    const auto phone = phone_with_pin("4711");
    SearchRequest request;
    request.max_pin = 4;
    const auto plan = plan_for(phone.subject, std::move(request)).unwrap();
    EXPECT_GT(plan.rate, 0.0);
    for (const auto& step : plan.steps) {
        EXPECT_DOUBLE_EQ(step.seconds, static_cast<double>(step.keyspace->size().value) / plan.rate) << step.name;
    }
    EXPECT_EQ(plan.candidates(), 1U + 10'000U + 389'112U + 389'112U);
    EXPECT_NE(plan.devices.find("thread"), std::string::npos);
    EXPECT_TRUE(plan.opened);
}

TEST_F(Plan, PassesOnWhatCannotBeSearched)
{
    const auto phone = phone_with_pin("4711");
    SearchRequest request;
    request.max_pin = 17;
    EXPECT_TRUE(fails_with(plan_for(phone.subject, std::move(request)), ErrorCode::invalid_argument));
    SearchRequest no_list;
    no_list.wordlists = {folder_.path() / "none"};
    EXPECT_TRUE(fails_with(plan_for(phone.subject, std::move(no_list)), ErrorCode::io));
}

TEST(Forecast, IsOfTheUsualSearchesAtTheRateOfThisMachine)
{
    const auto phone = phone_with_pin("4711");
    const auto cost = forecast(*phone.unlocker, {});
    ASSERT_EQ(cost.size(), 3U);
    EXPECT_EQ(cost[0].attack, "4-digit PIN");
    EXPECT_EQ(cost[0].candidates, 10'000U);
    EXPECT_EQ(cost[1].attack, "6-digit PIN");
    EXPECT_EQ(cost[2].candidates, 389'112U);
    EXPECT_NEAR(cost[1].seconds / cost[0].seconds, 100.0, 1e-6);
}

/// Refuses every derivation.
class BrokenUnlocker final : public fde::Unlocker {
public:
    Result<std::vector<fde::MasterKey>> master_keys(ByteView /*secret*/, bool /*check_sik*/) const override
    {
        return unsupported("no derivation today");
    }
    Result<std::optional<bool>> is_password(ByteView /*secret*/) const override
    {
        return unsupported("no derivation today");
    }
    const fde::CryptoFooter& footer() const noexcept override { return footer_; }
    std::optional<crypto::ScryptFactors> scrypt() const noexcept override { return std::nullopt; }
    std::unique_ptr<fde::BatchUnlocker> make_batch(crypto::KdfDevice& /*device*/) const override { return nullptr; }

private:
    fde::CryptoFooter footer_;
};

TEST(Forecast, IsEmptyWhereNothingCanBeMeasured)
{
    EXPECT_TRUE(forecast(BrokenUnlocker{}, {}).empty());
}

} // namespace
} // namespace salvage::rescue
