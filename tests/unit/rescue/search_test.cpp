// Searching a footer's secret: what proves a hit, in which order candidates come, and that a search resumes.
#include "salvage/rescue/search.hpp"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "salvage/crypto/cipher.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {
namespace {

using test::fails_with;
using test::is_ok;
using test::TemporaryFolder;

constexpr std::size_t key_bytes = 16;

Bytes key_of(std::string_view secret)
{
    const auto digest = crypto::sha256(as_bytes(secret));
    return {digest.begin(), digest.begin() + key_bytes};
}

/// What a footer's owner typed, and what the footer tells about it.
struct FakeFooter {
    std::string password;     ///< whose check value the footer has
    std::string wrapped_with; ///< whose key is the volume's
    bool has_check_value{false};
    unsigned ways_to_unwrap{1}; ///< how many keys a secret may stand for; the last is the right one
};

/// Keys are hashes of secrets, so that a guess costs nothing.  Counts what it is asked.
class FakeUnlocker final : public fde::Unlocker {
public:
    FakeUnlocker(fde::CryptoFooter footer, FakeFooter fake) : footer_{std::move(footer)}, fake_{std::move(fake)} {}

    Result<std::vector<fde::MasterKey>> master_keys(ByteView secret, bool check_sik) const override
    {
        ++derivations;
        if (as_text(secret) == failing_secret) {
            return Error{ErrorCode::internal, "a derivation that fails", {}, std::nullopt, {}, {}};
        }
        std::vector<fde::MasterKey> out;
        const auto matches = as_text(secret) == fake_.password;
        if (footer_.kind == fde::FooterKind::samsung_edk && !matches) {
            return out;
        }
        if ((footer_.flags & 0x30U) != 0 && as_text(secret) != "default_password") {
            auto& key = out.emplace_back(); // as the real one: it comes with every secret
            key.key = SecretBytes::copy_of(key_of("default_password"));
            key.how = "fake unwrap of the default password";
            if (check_sik) {
                key.sik_matches = matches;
            }
        }
        for (unsigned way = fake_.ways_to_unwrap; way > 0; --way) {
            auto& key = out.emplace_back();
            const auto text = std::string{as_text(secret)} + (way == 1 ? "" : fmt::format("/{}", way));
            key.key = SecretBytes::copy_of(key_of(text));
            key.how = fmt::format("fake unwrap {}", way);
            if (check_sik && fake_.has_check_value) {
                ++checks;
                key.sik_matches = matches;
            }
        }
        return out;
    }
    Result<std::optional<bool>> is_password(ByteView secret) const override
    {
        ++checks;
        return fake_.has_check_value ? std::optional{as_text(secret) == fake_.password} : std::nullopt;
    }
    const fde::CryptoFooter& footer() const noexcept override { return footer_; }
    ByteCount memory() const noexcept override { return ByteCount{1000}; }

    mutable std::atomic<unsigned> derivations{0};
    mutable std::atomic<unsigned> checks{0};
    std::string failing_secret{"never typed"};

private:
    fde::CryptoFooter footer_;
    FakeFooter fake_;
};

/// An empty ext4 volume of 1 MiB, made by mke2fs once.
const Bytes& plain_volume()
{
    static const Bytes volume = [] {
        const TemporaryFolder folder;
        const auto path = folder.path() / "ext4.img";
        const auto made =
            test::run_command(fmt::format("truncate -s 1M '{0}' && mke2fs -q -t ext4 -F '{0}' 2>&1", path.string()));
        EXPECT_TRUE(made.has_value()) << "mke2fs is needed";
        return test::read_file(path);
    }();
    return volume;
}

/// Userdata as a phone holds it: the volume under AES-CBC-ESSIV, 16 KiB after it.
io::SourcePtr userdata_under(const Bytes& key)
{
    auto bytes = plain_volume();
    const auto cipher =
        crypto::make_sector_cipher(crypto::parse_cipher_name("aes-cbc-essiv:sha256").unwrap(), key).unwrap();
    cipher->encrypt(SectorIndex{0}, bytes);
    bytes.resize(bytes.size() + fde::footer_area.value);
    return io::make_memory(std::move(bytes), "userdata");
}

fde::CryptoFooter usual_footer()
{
    fde::CryptoFooter footer;
    footer.minor = 3;
    footer.key_bytes = key_bytes;
    footer.cipher = "aes-cbc-essiv:sha256";
    footer.fs_size = SectorCount{plain_volume().size() / 512};
    footer.wrapped_key = Bytes(key_bytes, std::byte{1});
    footer.salts = {Bytes(16, std::byte{2})};
    footer.kdf = fde::Kdf::scrypt;
    footer.crypt_type = fde::CryptType::default_password;
    return footer;
}

fde::CryptoFooter with_check_value(fde::CryptoFooter footer = usual_footer())
{
    footer.scrypted_intermediate_key.emplace().fill(std::byte{7});
    return footer;
}

/// A footer with its owner's password, and the userdata that belongs to it.
struct Phone {
    std::shared_ptr<FakeUnlocker> unlocker;
    SearchSubject subject;

    Phone(fde::CryptoFooter footer, FakeFooter fake, bool has_userdata = true)
    {
        const auto wrapped_with = fake.wrapped_with.empty() ? fake.password : fake.wrapped_with;
        unlocker = std::make_shared<FakeUnlocker>(std::move(footer), std::move(fake));
        subject.unlocker = unlocker;
        if (has_userdata) {
            subject.userdata = userdata_under(key_of(wrapped_with));
        }
    }
};

Phone phone_with_pin(const std::string& pin)
{
    return Phone{usual_footer(), {.password = pin, .wrapped_with = {}}};
}

GivenSecret given(std::string_view text, std::string encoding = "text")
{
    return {.bytes = SecretBytes::copy_of(as_bytes(text)), .encoding = std::move(encoding)};
}

CandidateJudgement judgement_of(const FooterTarget& target, std::string_view secret)
{
    auto judged = target.judge(as_bytes(secret));
    EXPECT_TRUE(is_ok(judged));
    return judged.has_value() ? judged->judgement : CandidateJudgement::wrong;
}

bool has_line(const std::vector<std::string>& lines, std::string_view part)
{
    return std::ranges::any_of(lines, [&](const auto& line) { return line.find(part) != std::string::npos; });
}

// ---- the target

TEST(FooterTarget, OpensWithTheKeyThatUserdataProves)
{
    const auto phone = phone_with_pin("4711");
    const auto target = make_footer_target(phone.subject).unwrap();
    EXPECT_EQ(judgement_of(*target, "4712"), CandidateJudgement::wrong);
    const auto judged = target->judge(as_bytes("4711")).unwrap();
    EXPECT_EQ(judged.judgement, CandidateJudgement::opens);
    EXPECT_EQ(to_hex(judged.key.expose()), to_hex(key_of("4711")));
    ASSERT_TRUE(judged.proof);
    EXPECT_EQ(judged.proof->filesystem, "ext4");
    EXPECT_TRUE(has_line(judged.facts, "fake unwrap 1")) << fmt::format("{}", judged.facts.size());
    EXPECT_TRUE(has_line(judged.facts, "aes-cbc-essiv:sha256"));
}

TEST(FooterTarget, AsksTheCheckValueOnlyAfterUserdataAndOnlyWhereThatIsWorthIt)
{
    const Phone phone{with_check_value(), {.password = "4711", .wrapped_with = {}, .has_check_value = true}};
    const auto target = make_footer_target(phone.subject).unwrap();
    EXPECT_EQ(judgement_of(*target, "0000"), CandidateJudgement::wrong);
    EXPECT_EQ(judgement_of(*target, "4711"), CandidateJudgement::opens);
    EXPECT_EQ(phone.unlocker->checks.load(), 0U);
    EXPECT_EQ(phone.unlocker->derivations.load(), 2U) << "one derivation a guess";
}

TEST(FooterTarget, FindsTheRightOneOfSeveralUnwraps)
{
    const Phone phone{usual_footer(), {.password = "x", .wrapped_with = {}, .ways_to_unwrap = 3}};
    const auto judged = make_footer_target(phone.subject).unwrap()->judge(as_bytes("x")).unwrap();
    EXPECT_EQ(judged.judgement, CandidateJudgement::opens);
    EXPECT_EQ(judged.how, "fake unwrap 1");
}

TEST(FooterTarget, SaysWhenTheFootersOwnPasswordDoesNotOpenThisUserdata)
{
    const FakeFooter of_another_installation{
        .password = "4711", .wrapped_with = "a key of before", .has_check_value = true};
    const Phone phone{with_check_value(), of_another_installation};
    const auto listed = make_footer_target(phone.subject, PasswordCheck::listed, {}).unwrap();
    EXPECT_EQ(judgement_of(*listed, "4711"), CandidateJudgement::wrong) << "not asked for";
    EXPECT_EQ(phone.unlocker->checks.load(), 0U);

    std::vector<GivenSecret> secrets;
    secrets.push_back(given("4711"));
    const auto with_list = make_footer_target(phone.subject, PasswordCheck::listed, secrets).unwrap();
    EXPECT_EQ(judgement_of(*with_list, "4711"), CandidateJudgement::footer_only);
    EXPECT_EQ(judgement_of(*with_list, "4712"), CandidateJudgement::wrong);
    EXPECT_EQ(phone.unlocker->checks.load(), 1U);

    const auto all = make_footer_target(phone.subject, PasswordCheck::all, {}).unwrap();
    EXPECT_EQ(judgement_of(*all, "4711"), CandidateJudgement::footer_only);
    EXPECT_EQ(judgement_of(*all, "4712"), CandidateJudgement::wrong);
}

TEST(FooterTarget, TakesTheUsersPasswordThoughTheKeyIsWrappedWithTheDefaultOne)
{
    for (const auto flag : {fde::footer_flag::force_encryption, fde::footer_flag::force_complete}) {
        auto footer = with_check_value();
        footer.flags = flag;
        const Phone phone{footer, {.password = "4711", .wrapped_with = "default_password", .has_check_value = true}};
        const auto target = make_footer_target(phone.subject).unwrap();
        EXPECT_EQ(judgement_of(*target, "4712"), CandidateJudgement::wrong);
        EXPECT_EQ(judgement_of(*target, "default_password"), CandidateJudgement::opens);
        const auto judged = target->judge(as_bytes("4711")).unwrap();
        ASSERT_EQ(judged.judgement, CandidateJudgement::opens);
        EXPECT_EQ(to_hex(judged.key.expose()), to_hex(key_of("default_password")));
        EXPECT_TRUE(has_line(judged.facts, "default password"));
    }
}

TEST(FooterTarget, JudgesAFooterAloneByItsCheckValue)
{
    const Phone phone{with_check_value(), {.password = "4711", .wrapped_with = {}, .has_check_value = true}, false};
    const auto target = make_footer_target(phone.subject).unwrap();
    EXPECT_EQ(judgement_of(*target, "4712"), CandidateJudgement::wrong);
    const auto judged = target->judge(as_bytes("4711")).unwrap();
    EXPECT_EQ(judged.judgement, CandidateJudgement::opens);
    EXPECT_EQ(to_hex(judged.key.expose()), to_hex(key_of("4711")));
    EXPECT_FALSE(judged.proof);
    EXPECT_TRUE(has_line(judged.facts, "no userdata"));
}

TEST(FooterTarget, GivesNoKeyWhereAFooterAloneLeavesTheUnwrapOpen)
{
    const Phone phone{
        with_check_value(), {.password = "x", .wrapped_with = {}, .has_check_value = true, .ways_to_unwrap = 2}, false};
    const auto judged = make_footer_target(phone.subject).unwrap()->judge(as_bytes("x")).unwrap();
    EXPECT_EQ(judged.judgement, CandidateJudgement::opens);
    EXPECT_TRUE(judged.key.is_empty());
    EXPECT_TRUE(has_line(judged.facts, "2 ways"));
}

TEST(FooterTarget, JudgesASamsungFooterByItsHmac)
{
    auto footer = usual_footer();
    footer.kind = fde::FooterKind::samsung_edk;
    footer.samsung_hmac = Bytes(32, std::byte{3});
    const Phone alone{footer, {.password = "test123", .wrapped_with = {}}, false};
    const auto target = make_footer_target(alone.subject).unwrap();
    EXPECT_EQ(judgement_of(*target, "test124"), CandidateJudgement::wrong);
    EXPECT_EQ(judgement_of(*target, "test123"), CandidateJudgement::opens);

    const Phone other_data{footer, {.password = "test123", .wrapped_with = "another"}};
    EXPECT_EQ(judgement_of(*make_footer_target(other_data.subject).unwrap(), "test123"),
              CandidateJudgement::footer_only)
        << "the HMAC says so for nothing";
}

TEST(FooterTarget, IsRefusedWhereNothingTellsRightFromWrong)
{
    const Phone phone{usual_footer(), {.password = "x", .wrapped_with = {}}, false};
    const auto refused = make_footer_target(phone.subject);
    ASSERT_TRUE(fails_with(refused, ErrorCode::not_found));
    EXPECT_FALSE(refused.error().hint.empty());
}

TEST(FooterTarget, PassesOnWhatCannotBeReadOrDerived)
{
    auto phone = phone_with_pin("4711");
    phone.unlocker->failing_secret = "boom";
    EXPECT_TRUE(fails_with(make_footer_target(phone.subject).unwrap()->judge(as_bytes("boom")), ErrorCode::internal));
    phone.subject.userdata = io::make_with_bad_areas(phone.subject.userdata, {ByteRange::first(ByteCount{1U << 16U})});
    EXPECT_FALSE(make_footer_target(phone.subject).has_value());
}

TEST(FooterTarget, IsKnownByWhatAGuessIsJudgedBy)
{
    const auto identity = [](const Phone& phone, PasswordCheck check = PasswordCheck::listed) {
        return make_footer_target(phone.subject, check).unwrap()->identity();
    };
    const auto phone = phone_with_pin("4711");
    EXPECT_EQ(identity(phone), identity(phone_with_pin("4711")));
    EXPECT_NE(identity(phone), identity(phone_with_pin("4712"))) << "another userdata";
    EXPECT_NE(identity(phone), identity(phone, PasswordCheck::all));
    auto other_salt = usual_footer();
    other_salt.salts.front().front() = std::byte{9};
    EXPECT_NE(identity(phone), identity(Phone{other_salt, {.password = "4711", .wrapped_with = {}}}));
    auto counted = usual_footer();
    counted.failed_decrypt_count = 5;
    EXPECT_EQ(identity(phone), identity(Phone{counted, {.password = "4711", .wrapped_with = {}}}))
        << "the phone counts on; the footer is the same";
    EXPECT_EQ(identity(phone).find('\n'), std::string::npos);
}

// ---- the plan

std::vector<std::string> names_of(const std::vector<SearchStep>& steps)
{
    std::vector<std::string> out;
    for (const auto& step : steps) {
        out.push_back(step.name);
    }
    return out;
}

class Plan : public ::testing::Test {
protected:
    std::vector<std::string> names(std::optional<fde::CryptType> type, const SearchRequest& request)
    {
        auto footer = usual_footer();
        footer.crypt_type = type;
        const Phone phone{footer, {.password = "x", .wrapped_with = {}}};
        const auto plan = plan_search(phone.subject, request, {});
        EXPECT_TRUE(is_ok(plan));
        return plan.has_value() ? names_of(plan->steps) : std::vector<std::string>{};
    }
    TemporaryFolder folder_;
};

TEST_F(Plan, GoesFromCheapAndLikelyToDear)
{
    EXPECT_EQ(names(std::nullopt, {}), (std::vector<std::string>{"default password", "4-digit PIN", "3x3 pattern",
                                                                 "5- and 6-digit PIN", "3x3 pattern, raw"}));
}

TEST_F(Plan, PutsFirstWhatTheFooterSaysItsOwnerTyped)
{
    SearchRequest request;
    request.wordlists = {folder_.write("words.txt", as_bytes("a\nb\n"))};
    const auto by_pin = names(fde::CryptType::pin, request);
    EXPECT_EQ(by_pin.at(1), "4-digit PIN");
    EXPECT_EQ(by_pin.at(2), "5- and 6-digit PIN");
    const auto by_pattern = names(fde::CryptType::pattern, request);
    EXPECT_EQ(by_pattern.at(1), "3x3 pattern");
    EXPECT_EQ(by_pattern.at(2), "3x3 pattern, raw");
    const auto by_password = names(fde::CryptType::password, request);
    EXPECT_EQ(by_password.at(1), "word list words.txt");
    EXPECT_EQ(names(std::nullopt, request).at(4), "word list words.txt");
}

TEST_F(Plan, TriesGivenSecretsBeforeAllElseInTheirEncodings)
{
    SearchRequest request;
    request.secrets.push_back(given("1478", "pattern-digits"));
    request.secrets.push_back(given("2589", "pattern-digits"));
    request.secrets.push_back(given("hunter2"));
    request.max_pin = 0;
    request.pattern_side = 0;
    const Phone phone{usual_footer(), {.password = "x", .wrapped_with = {}}};
    const auto plan = plan_search(phone.subject, request, {}).unwrap();
    EXPECT_EQ(names_of(plan.steps),
              (std::vector<std::string>{"given secret (pattern-digits)", "given secret (text)", "default password"}));
    EXPECT_EQ(plan.candidates(), 4U);
    EXPECT_EQ(plan.steps.front().keyspace->encoding(0), "pattern-digits");
}

TEST_F(Plan, HasOnlyWhatWasAskedFor)
{
    SearchRequest request{.secrets = {}, .try_default_password = false, .min_pin = 6, .max_pin = 6, .wordlists = {}};
    request.pattern_side = 0;
    EXPECT_EQ(names(std::nullopt, request), std::vector<std::string>{"6-digit PIN"});
    request.min_pin = 4;
    request.max_pin = 8;
    EXPECT_EQ(names(std::nullopt, request), (std::vector<std::string>{"4-digit PIN", "5- to 8-digit PIN"}));
    request.max_pin = 0;
    EXPECT_TRUE(names(std::nullopt, request).empty());
}

TEST_F(Plan, MeasuresWhatEachStepTakes)
{
    const auto phone = phone_with_pin("4711");
    const auto plan = plan_search(phone.subject, {}, {}).unwrap();
    EXPECT_GT(plan.rate, 0.0);
    for (const auto& step : plan.steps) {
        EXPECT_DOUBLE_EQ(step.seconds, static_cast<double>(step.keyspace->size().value) / plan.rate) << step.name;
    }
    EXPECT_EQ(plan.candidates(), 1U + 10'000U + 389'112U + 1'100'000U + 389'112U);
    EXPECT_NE(plan.threads.find("thread"), std::string::npos);
    EXPECT_NE(plan.threads.find("1000 bytes"), std::string::npos) << plan.threads;
}

TEST_F(Plan, PassesOnWhatCannotBeSearched)
{
    const auto phone = phone_with_pin("4711");
    SearchRequest request;
    request.min_pin = 3;
    EXPECT_TRUE(fails_with(plan_search(phone.subject, request, {}), ErrorCode::invalid_argument));
    request = {};
    request.wordlists = {folder_.path() / "none"};
    EXPECT_TRUE(fails_with(plan_search(phone.subject, request, {}), ErrorCode::io));
}

// ---- the run

class Run : public ::testing::Test {
protected:
    /// A plan without its measured rate.
    static std::vector<SearchStep> four_digits()
    {
        std::vector<SearchStep> out;
        out.push_back({.name = "default password",
                       .keyspace = password::make_list({"default_password"}, "the default password"),
                       .seconds = 0});
        out.push_back({.name = "4-digit PIN", .keyspace = password::make_pins(4, 4).unwrap(), .seconds = 0});
        out.push_back({.name = "given at last", .keyspace = password::make_list({"end"}, "end"), .seconds = 0});
        return out;
    }
    [[nodiscard]] std::filesystem::path session() const { return folder_.path() / "a.session"; }
    [[nodiscard]] SearchRun with_session() const
    {
        SearchRun run;
        run.session_file = session();
        run.workers = 2;
        return run;
    }
    TemporaryFolder folder_;
};

TEST_F(Run, FindsTheSecretWithItsKeyAndProof)
{
    const auto phone = phone_with_pin("9173");
    const auto report = run_search(phone.subject, four_digits(), {}, {}, {});
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->end, password::SearchEnd::found);
    ASSERT_TRUE(report->found);
    EXPECT_EQ(as_text(report->found->found.secret.expose()), "9173");
    EXPECT_EQ(report->found->found.encoding, "text");
    EXPECT_EQ(report->found->step, "4-digit PIN");
    EXPECT_EQ(to_hex(report->found->master_key.expose()), to_hex(key_of("9173")));
    EXPECT_TRUE(report->found->key_proof);
    EXPECT_FALSE(report->found->found.proof.empty());
    EXPECT_FALSE(report->password_matches_footer_only);
    EXPECT_FALSE(report->was_resumed);
    EXPECT_EQ(report->searched, (std::vector<std::string>{"default password: tried.", "4-digit PIN: found.",
                                                          "given at last: not tried."}));
}

TEST_F(Run, SaysWhatWasSearchedWhenNothingIsFound)
{
    const auto phone = phone_with_pin("not a pin");
    const auto report = run_search(phone.subject, four_digits(), {}, {}, {}).unwrap();
    EXPECT_EQ(report.end, password::SearchEnd::exhausted);
    EXPECT_FALSE(report.found);
    EXPECT_EQ(report.tried, 10'002U);
    EXPECT_EQ(report.searched,
              (std::vector<std::string>{"default password: tried.", "4-digit PIN: all 10,000 candidates were tried.",
                                        "given at last: tried."}));
}

TEST_F(Run, CountsSkipAndLimitOverTheWholePlan)
{
    const auto phone = phone_with_pin("not a pin");
    SearchRun run;
    run.skip = 1;
    run.limit = 500;
    const auto report = run_search(phone.subject, four_digits(), {}, run, {}).unwrap();
    EXPECT_EQ(report.tried, 500U);
    EXPECT_EQ(report.searched, (std::vector<std::string>{"default password: not tried.",
                                                         "4-digit PIN: 500 of 10,000 candidates were tried.",
                                                         "given at last: not tried."}));
}

TEST_F(Run, SaysThatTheDefaultPasswordIsTheFootersThoughUserdataIsOfAnotherInstallation)
{
    // What flashing a fresh system and then only the old userdata leaves: a new footer beside old data.
    const Phone phone{with_check_value(),
                      {.password = "default_password", .wrapped_with = "the old key", .has_check_value = true}};
    const auto report = run_search(phone.subject, four_digits(), {}, {}, {}).unwrap();
    ASSERT_TRUE(report.found);
    EXPECT_TRUE(report.password_matches_footer_only);
    EXPECT_TRUE(report.found->master_key.is_empty());
    EXPECT_EQ(report.found->step, "default password");
}

/// Asks for a stop after so many candidates.
class StopAfter final : public Progress {
public:
    StopAfter(std::uint64_t candidates, std::stop_source& stop) : candidates_{candidates}, stop_{&stop} {}
    void update(const ProgressUpdate& update) override
    {
        if (update.done >= candidates_) {
            stop_->request_stop();
        }
    }

private:
    std::uint64_t candidates_;
    std::stop_source* stop_;
};

TEST_F(Run, StoppedGoesOnWithItsSessionAndFindsTheSame)
{
    const auto phone = phone_with_pin("9173");
    std::stop_source stop;
    StopAfter progress{1, stop};
    RunContext context;
    context.stop = stop.get_token();
    context.progress = &progress;
    const auto first = run_search(phone.subject, four_digits(), {}, with_session(), context).unwrap();
    if (first.end == password::SearchEnd::stopped) { // a machine may be quick enough to be through before
        EXPECT_FALSE(first.found);
        EXPECT_GT(first.state.next, 0U);
    }
    const auto second = run_search(phone.subject, four_digits(), {}, with_session(), {}).unwrap();
    EXPECT_TRUE(second.was_resumed);
    ASSERT_TRUE(second.found);
    EXPECT_EQ(as_text(second.found->found.secret.expose()), "9173");

    const auto third = run_search(phone.subject, four_digits(), {}, with_session(), {}).unwrap();
    ASSERT_TRUE(third.found) << "a finished search finds its hit again";
    EXPECT_EQ(third.tried, 1U);
}

TEST_F(Run, StoppedBeforeItBeginsHasDoneNothingAndKeepsItsSession)
{
    const auto phone = phone_with_pin("9173");
    std::stop_source stop;
    stop.request_stop();
    RunContext context;
    context.stop = stop.get_token();
    const auto report = run_search(phone.subject, four_digits(), {}, with_session(), context).unwrap();
    EXPECT_EQ(report.end, password::SearchEnd::stopped);
    EXPECT_EQ(report.tried, 0U);
    EXPECT_TRUE(std::filesystem::exists(session()));
}

TEST_F(Run, RefusesTheSessionOfAnotherFooterPlanOrRange)
{
    const auto phone = phone_with_pin("not a pin");
    ASSERT_TRUE(is_ok(run_search(phone.subject, four_digits(), {}, with_session(), {})));

    auto other_plan = four_digits();
    other_plan.pop_back();
    EXPECT_TRUE(fails_with(run_search(phone.subject, other_plan, {}, with_session(), {}), ErrorCode::mismatch));
    const auto other_phone = phone_with_pin("another");
    EXPECT_TRUE(
        fails_with(run_search(other_phone.subject, four_digits(), {}, with_session(), {}), ErrorCode::mismatch));
    auto other_range = with_session();
    other_range.skip = 5;
    EXPECT_TRUE(fails_with(run_search(phone.subject, four_digits(), {}, other_range, {}), ErrorCode::mismatch));
    other_range.skip = 0;
    other_range.limit = 5;
    EXPECT_TRUE(fails_with(run_search(phone.subject, four_digits(), {}, other_range, {}), ErrorCode::mismatch));
    EXPECT_TRUE(is_ok(run_search(phone.subject, four_digits(), {}, with_session(), {})));
}

TEST_F(Run, TellsASessionThatCannotBeWrittenBeforeItSearches)
{
    const auto phone = phone_with_pin("9173");
    SearchRun run;
    run.session_file = folder_.path() / "no" / "folder" / "a.session";
    const auto before = phone.unlocker->derivations.load();
    EXPECT_FALSE(run_search(phone.subject, four_digits(), {}, run, {}).has_value());
    EXPECT_EQ(phone.unlocker->derivations.load(), before);
}

TEST_F(Run, OfADamagedSessionIsAnErrorAndNotANewStart)
{
    const auto phone = phone_with_pin("9173");
    static_cast<void>(folder_.write("a.session", as_bytes("salvage-session=1\nrubbish")));
    EXPECT_TRUE(fails_with(run_search(phone.subject, four_digits(), {}, with_session(), {}), ErrorCode::malformed));
}

TEST_F(Run, OfNoStepsMeansNothing)
{
    const auto phone = phone_with_pin("9173");
    EXPECT_TRUE(fails_with(run_search(phone.subject, {}, {}, {}, {}), ErrorCode::invalid_argument));
}

/// Keeps what is logged.
class Memo final : public Log {
public:
    void write(std::string_view event, std::string_view text) override { all += fmt::format("{}: {}\n", event, text); }
    std::string all;
};

TEST_F(Run, KeepsTheSecretOutOfLogsSentencesAndErrors)
{
    Phone phone = phone_with_pin("9173");
    Memo log;
    RunContext context;
    context.log = &log;
    const auto report = run_search(phone.subject, four_digits(), {}, with_session(), context).unwrap();
    ASSERT_TRUE(report.found);
    auto all = log.all + report.found->step + report.found->how;
    for (const auto& line : report.searched) {
        all += line;
    }
    for (const auto& line : report.found->found.proof) {
        all += line;
    }
    EXPECT_EQ(all.find("9173"), std::string::npos) << all;
    EXPECT_EQ(all.find(fmt::format("{}", report.found->found.index)), std::string::npos)
        << "the number of a PIN is the PIN";
    phone.unlocker->failing_secret = "9173";
    const auto failed = run_search(phone.subject, four_digits(), {}, {}, {});
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(to_string(failed.error()).find("9173"), std::string::npos);
}

TEST_F(Run, HasASessionNameOfItsOwn)
{
    const auto phone = phone_with_pin("9173");
    const auto name = session_name(phone.subject, four_digits(), {}, {}).unwrap();
    EXPECT_EQ(name, session_name(phone.subject, four_digits(), {}, {}).unwrap());
    EXPECT_TRUE(name.starts_with("salvage-") && name.ends_with(".session")) << name;
    SearchRun part;
    part.skip = 100;
    EXPECT_NE(name, session_name(phone.subject, four_digits(), {}, part).unwrap());
    EXPECT_NE(name, session_name(phone_with_pin("1").subject, four_digits(), {}, {}).unwrap());
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
    ByteCount memory() const noexcept override { return ByteCount{0}; }

private:
    fde::CryptoFooter footer_;
};

TEST(Forecast, IsEmptyWhereNothingCanBeMeasured)
{
    EXPECT_TRUE(forecast(BrokenUnlocker{}, {}).empty());
}

} // namespace
} // namespace salvage::rescue
