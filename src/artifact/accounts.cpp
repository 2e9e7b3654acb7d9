// Accounts: their names and kinds.  Passwords and tokens stay where they are.
// Spec: AOSP frameworks/base, AccountManagerService.java and AccountsDb.java.
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "artifact/kinds.hpp"
#include "artifact/list_output.hpp"

namespace salvage::artifact {

Result<KindReport> extract_accounts(Extraction& extraction)
{
    KindReport report{.name = "accounts", .title = "Accounts"};
    ListOutput list{extraction, report, {"Name", "Kind"}};
    list.add_note("Names only: passwords and tokens are not taken out.");
    std::vector<std::string> places{"/system/accounts.db"};
    for (const auto& [folder, file] :
         {std::pair{"/system/users", "accounts.db"}, std::pair{"/system_ce", "accounts_ce.db"},
          std::pair{"/system_de", "accounts_de.db"}}) {
        for (const auto& user : extraction.files->list(folder)) {
            if (user.is_folder) {
                places.push_back(fmt::format("{}/{}/{}", folder, user.name, file));
            }
        }
    }
    std::set<std::pair<std::string, std::string>> seen; // the same ones stand in two databases since Android 7
    constexpr std::array<std::string_view, 2> columns{"name", "type"};
    constexpr std::size_t most = 10'000;
    for (const auto& place : places) {
        auto database = SALVAGE_TRY(OpenDatabase::open(extraction, place, report));
        if (!database) {
            continue;
        }
        SALVAGE_TRY(database->each("accounts", columns, [&](const Row& row) -> Result<> {
            const auto name = row.text_or_empty(0).substr(0, 1024);
            const auto type = row.text_or_empty(1).substr(0, 1024);
            if (seen.size() >= most || !seen.emplace(name, type).second) {
                return {};
            }
            Json json = Json::object();
            json["name"] = text_json(std::string_view{name});
            json["type"] = text_json(std::string_view{type});
            return list.add({{.text = name}, {.text = type}}, std::move(json), database->origin("accounts", row));
        }));
        database->close(report);
    }
    SALVAGE_TRY(list.end());
    return report;
}

} // namespace salvage::artifact
