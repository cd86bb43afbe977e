pub fn read(){}
