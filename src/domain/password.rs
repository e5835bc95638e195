//! Detection of common passwords: frequently used ones, keyboard rows and repetitions.

/// Whether a lower-case password is common. Trailing punctuation and digits in place of letters are ignored.
pub fn is_common_password(lower: &str) -> bool {
    let bare = lower.trim_end_matches(['!', '.', '?', '*', '#', '$', '@']);
    let listed = |text: &str| COMMON.contains(&text) || COMMON.contains(&unleet(text).as_str());
    listed(lower) || listed(bare) || repeats(lower) || is_keyboard_row(bare)
}

/// Replaces look-alike characters by letters: `p@ssw0rd` becomes `password`.
fn unleet(text: &str) -> String {
    let letter = |c| match c {
        '@' | '4' => 'a',
        '0' => 'o',
        '3' => 'e',
        '1' | '!' => 'i',
        '$' | '5' => 's',
        '7' => 't',
        other => other,
    };
    text.chars().map(letter).collect()
}

/// Whether the text repeats a unit of one to four characters.
fn repeats(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    (1..=4).any(|unit| letters.len() > unit && letters.iter().zip(letters.iter().skip(unit)).all(|(one, next)| one == next))
}

/// Whether the text is part of a keyboard row or of the alphabet, in either direction.
fn is_keyboard_row(text: &str) -> bool {
    const ROWS: [&str; 6] = [
        "01234567890123456789",
        "qwertyuiop",
        "asdfghjkl;",
        "zxcvbnm,./",
        "abcdefghijklmnopqrstuvwxyz",
        "1qaz2wsx3edc4rfv5tgb6yhn",
    ];
    let back: String = text.chars().rev().collect();
    text.len() >= 4 && ROWS.iter().any(|row| row.contains(text) || row.contains(&back))
}

/// The most frequent passwords of published leaks, of eight characters or more.
#[rustfmt::skip]
const COMMON: &[&str] = &[
    "password", "passwort", "passwords", "password1", "password2", "password3", "password12", "password123", "password1234",
    "password12345", "password01", "password11", "password99", "password2020", "password2021", "password2022", "password2023",
    "password2024", "password2025", "password2026", "mypassword", "yourpassword", "thepassword", "newpassword", "testpassword",
    "defaultpassword", "pass1234", "pass12345", "pass123456", "passpass", "passw0rd1", "passw0rd123", "pa55word", "12345678",
    "123456789", "1234567890", "0987654321", "987654321", "87654321", "11223344", "112233445566", "123123123", "123321123",
    "1234512345", "12341234", "12344321", "123454321", "123456123", "123456654321", "147258369", "147852369", "159357456",
    "159753159", "741852963", "789456123", "456789123", "321654987", "963852741", "258456123", "102030405060", "10203040",
    "13131313", "31415926", "314159265", "3141592653", "88888888", "99999999", "00000000", "11111111", "12121212", "20202020",
    "69696969", "77777777", "55555555", "66666666", "01234567", "012345678", "0123456789", "11112222", "22223333", "123698745",
    "135792468", "246813579", "123qweasd", "123qweasdzxc", "123qwe123", "1q2w3e4r", "1q2w3e4r5t", "1q2w3e4r5t6y", "1qaz2wsx",
    "1qaz2wsx3edc", "1qazxsw2", "1qaz1qaz", "2wsx3edc", "q1w2e3r4", "q1w2e3r4t5", "q1w2e3r4t5y6", "qazwsxedc", "qazwsx123",
    "qazxswedc", "zaq12wsx", "zaq1xsw2", "zaq1zaq1", "zxcvbnm1", "zxcvbnm123", "zxcvbnm12", "asdfghjk", "asdfghjkl",
    "asdfgh123", "asdfasdf", "asdf1234", "asdf12345", "asd123456", "asdasd123", "asdqwe123", "asdzxc123", "qweasdzxc",
    "qweasd123", "qwe123456", "qweqweqwe", "qwer1234", "qwer12345", "qwert123", "qwert1234", "qwert12345", "qwerty12",
    "qwerty11", "qwerty123", "qwerty1234", "qwerty12345", "qwerty123456", "qwertyui", "qwertyuiop", "qwerty01", "qwerty99",
    "qwertyqwerty", "qwerasdf", "qwerasdfzxcv", "abc12345", "abc123456", "abc123abc", "abcd1234", "abcd12345", "abcd123456",
    "abcde123", "abcde12345", "abcdefg1", "abcdefg123", "abcdefgh", "a1b2c3d4", "a1b2c3d4e5", "aa123456", "aa12345678",
    "aaa123456", "a123456a", "a1234567", "a12345678", "a123456789", "a1s2d3f4", "aaaa1111", "abcabc123", "q1234567",
    "q12345678", "z1234567", "w1234567", "x1234567", "1a2b3c4d", "1234abcd", "1234qwer", "12345abc", "12345qwe", "12345qwert",
    "123456ab", "123456abc", "123456aa", "123456qq", "123456qwe", "123456qwerty", "12345678a", "123456789a", "123456789q",
    "123456789z", "1234567a", "1234567q", "1234567890a", "123abc123", "iloveyou", "iloveyou1", "iloveyou2", "iloveyou12",
    "iloveyou123", "iloveu123", "iloveme1", "ilovegod", "iloveyou!", "loveyou1", "loveyou123", "loveyou2", "lovelove",
    "loveme123", "lovely123", "love1234", "love12345", "lovers123", "mylove123", "sweetheart", "sunshine", "sunshine1",
    "sunshine123", "princess", "princess1", "princess12", "princess123", "superman", "superman1", "superman123", "spiderman",
    "spiderman1", "batman123", "batman1234", "football", "football1", "football12", "football123", "baseball", "baseball1",
    "baseball123", "basketball", "basketball1", "softball", "soccer12", "soccer123", "hockey123", "tennis123", "liverpool",
    "liverpool1", "arsenal1", "arsenal123", "chelsea1", "chelsea123", "barcelona", "barcelona1", "manchester", "manunited",
    "juventus", "realmadrid", "yankees1", "steelers", "steelers1", "cowboys1", "lakers24", "jordan23", "michael1",
    "michael123", "jennifer", "jennifer1", "jessica1", "jessica123", "michelle", "michelle1", "ashley123", "nicole123",
    "daniel123", "andrew123", "joshua123", "charlie1", "charlie123", "jordan123", "matthew1", "anthony1", "christian",
    "christopher", "elizabeth", "elizabeth1", "victoria", "victoria1", "samantha", "samantha1", "stephanie", "alexander",
    "alexander1", "alexandra", "alejandra", "alejandro", "benjamin", "benjamin1", "brandon1", "jonathan", "jonathan1",
    "nicholas", "patrick1", "richard1", "william1", "thomas123", "robert123", "george123", "hannah123", "amanda123",
    "maggie123", "tigger123", "buster123", "bailey123", "ginger123", "shadow123", "shadow12", "pepper123", "cookie123",
    "snoopy123", "welcome1", "welcome12", "welcome123", "welcome1234", "welcome2", "welcome2024", "welcome2025", "welcome2026",
    "letmein1", "letmein12", "letmein123", "letmeinnow", "changeme", "changeme1", "changeme123", "changethis", "change123",
    "changeit", "default1", "default123", "trustno1", "trustno12", "whatever", "whatever1", "whatever123", "nothing1",
    "nothing123", "something", "unknown1", "computer", "computer1", "computer123", "internet", "internet1", "internet123",
    "windows1", "windows10", "windows123", "microsoft", "google123", "facebook", "facebook1", "facebook123", "twitter123",
    "linkedin", "linkedin1", "samsung1", "samsung123", "motorola", "nokia123", "iphone123", "android123", "apple123",
    "hacker123", "security", "security1", "security123", "secret12", "secret123", "secret1234", "secret12345", "topsecret",
    "private1", "access14", "access123", "server123", "network1", "network123", "database", "database1", "oracle123",
    "mysql123", "postgres", "postgres1", "postgres123", "redis123", "docker123", "jenkins1", "jenkins123", "grafana1",
    "grafana123", "raspberry", "tomcat123", "ubuntu123", "debian123", "linux123", "vagrant1", "vagrant123", "admin123",
    "admin1234", "admin12345", "admin123456", "admin1234567", "admin12345678", "admin001", "admin2020", "admin2021",
    "admin2022", "admin2023", "admin2024", "admin2025", "admin2026", "adminadmin", "admin@123", "admin@1234", "admin@12345",
    "admin#123", "admin!@#", "admin888", "admin666", "adminpass", "adminpassword", "administrator", "administrator1",
    "admin1admin", "root1234", "root12345", "root123456", "rootroot", "rootpassword", "toor1234", "superuser", "superuser1",
    "sysadmin", "sysadmin1", "manager1", "manager123", "operator1", "operator123", "user1234", "user12345", "user123456",
    "username", "username1", "guest123", "guest1234", "guestguest", "test1234", "test12345", "test123456", "test123test",
    "testtest", "testtest1", "testtest123", "testing1", "testing12", "testing123", "tester123", "demo1234", "demodemo",
    "temp1234", "temporary", "temppass", "temppassword", "support1", "support123", "service1", "service123", "backup123",
    "public123", "dragon12", "dragon123", "dragonball", "dragonball1", "monkey12", "monkey123", "master12", "master123",
    "master1234", "mustang1", "mustang123", "corvette", "mercedes", "ferrari1", "ferrari123", "porsche1", "porsche911",
    "harley123", "yamaha123", "honda123", "toyota123", "killer12", "killer123", "warcraft", "starcraft", "starwars",
    "starwars1", "starwars123", "pokemon1", "pokemon123", "nintendo", "playstation", "minecraft", "minecraft1", "minecraft123",
    "fortnite", "fortnite1", "roblox123", "callofduty", "counterstrike", "metallica", "metallica1", "slipknot", "slipknot1",
    "blink182", "nirvana1", "eminem123", "greenday", "linkinpark", "butterfly", "butterfly1", "flowers1", "flower123",
    "rainbow1", "rainbow123", "chocolate", "chocolate1", "strawberry", "cheese123", "banana123", "orange123", "purple123",
    "yellow123", "silver123", "golden123", "diamond1", "diamond123", "crystal1", "crystal123", "angel123", "angels123",
    "jesus123", "jesuschrist", "jesus777", "blessed1", "heaven123", "freedom1", "freedom123", "forever1", "forever21",
    "forever123", "friends1", "friends123", "bestfriend", "babygirl", "babygirl1", "babygirl123", "babyboy1", "lovergirl",
    "hottie123", "sexybitch", "fuckyou1", "fuckyou2", "fuckyou123", "fuckoff1", "asshole1", "bullshit", "bigdaddy",
    "summer123", "summer2024", "summer2025", "summer2026", "winter123", "winter2024", "winter2025", "winter2026", "spring2024",
    "spring2025", "spring2026", "autumn2024", "autumn2025", "january1", "february", "september", "october1", "november",
    "december", "monday123", "friday13", "friday123", "hello123", "hello1234", "hello12345", "hellohello", "helloworld",
    "helloworld1", "hello2024", "goodluck", "goodluck1", "gooddays", "lovelife", "happy123", "happyday", "happiness",
    "woaini123", "woaini1314", "woaini520", "woaini521", "woaiwojia", "woaini1314520", "5201314520", "5201314a", "520520520",
    "52013140", "13145200", "1314520520", "1314521521", "147896325", "a5201314", "aini1314", "zhang123", "wang1234",
    "wangwang", "li123456", "liu12345", "zhangwei", "wangwei123", "wo123456", "qq123456", "qq123456789", "qq1234567",
    "aptx4869", "xiaoming", "xiaoxiao", "nihao123", "nihaoma1", "mima1234", "mima123456", "mima12345", "zxc12345", "zxc123456",
    "zxc123zxc", "zxczxczxc", "zx123456", "zz123456", "asd12345", "as123456", "aq123456", "ab123456", "ab12345678",
    "abc123456789", "caonima1", "caonima123", "woshishui", "taobao123", "alibaba1", "baidu123", "huawei123", "xiaomi123",
    "tencent1", "beijing1", "beijing2008", "shanghai", "shanghai1", "guangzhou", "shenzhen", "chengdu1", "china123",
    "zhongguo", "zhongguo1", "iloveyou1314", "iloveyou520", "888888888", "666666666", "168168168", "16888888", "518518518",
    "p@ssw0rd123", "p@ssword1", "p@ssword123", "qwer@1234", "1qaz@wsx", "1qaz!qaz", "abc@1234", "abc@123456", "abcd@1234",
    "aa@123456", "huawei@123", "pass@123", "pass@1234", "password@1", "password@12", "password@123", "root@123", "root@1234",
    "test@123", "test@1234", "user@123", "welcome@1", "welcome@123", "belfry123", "belfry1234", "scheduler", "scheduler1",
    "scheduler123",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_passwords_are_recognised_with_variations() {
        for guessed in [
            "password",
            "password123",
            "p@ssw0rd",
            "passw0rd!",
            "admin@123",
            "12345678",
            "87654321",
            "98765432",
            "qwertyui",
            "poiuytrewq",
            "aaaaaaaaaa",
            "abababab",
            "abcabcabc",
            "12341234",
            "1qaz2wsx",
            "woaini1314",
            "abcdefghij",
            "letmein123!",
        ] {
            assert!(is_common_password(guessed), "{guessed}");
        }
        for free in [
            "correct horse",
            "battery staple",
            "long enough",
            "another horse",
            "staple of another kind",
            "something else",
            "密码密码不同的话",
        ] {
            assert!(!is_common_password(free), "{free}");
        }
    }

    #[test]
    fn common_list_is_lower_case_and_long_enough() {
        assert!(COMMON.len() > 500);
        assert!(
            COMMON.iter().all(|word| word.to_lowercase() == **word && word.chars().count() >= crate::domain::user::MIN_PASSWORD)
        );
    }
}
